// The checks over a simulated host, without an engine: what they and the faults of the same look say together.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/engine/checkup.hpp"
#include "agent-lib/engine/seen_once.hpp"
#include "tests/engine/rehearsed_engine.hpp"

namespace rdpmend::test {

class CheckBench {
 public:
  explicit CheckBench(const v1::Scenario& story) : host(story, {}) {
    own.channels.emplace_back().set_channel("System");
    own.channels.back().set_state(v1::ChannelStatus::STATE_FOLLOWED);
  }
  explicit CheckBench(const std::string& story = "healthy") : CheckBench(scenario(story)) {}

  v1::GetHealthResponse health(const HostView& at) const {
    const SeenOnce seen(at);
    v1::Signal everything;
    everything.set_kind(v1::Signal::KIND_REQUEST);
    const Detection detection(catalogue_, faults_, [&] { return known(at); });
    return Checkup(catalogue_, checks::all(), [this] { return own; })
        .run(seen.view(), detection.run(seen.view(), everything));
  }
  v1::GetHealthResponse health() const { return health(view()); }

  v1::Check check(std::string_view name, const HostView& at) const {
    const auto all = health(at);
    for (const auto& each : all.checks()) {
      if (each.name() == name) return each;
    }
    throw std::logic_error("there is no check " + std::string(name));
  }
  v1::Check check(std::string_view name) const { return check(name, view()); }

  HostView view() const { return const_cast<sim::SimHost&>(host).control().view(); }

  template <class Value>
  void set_registry(std::string_view key, const std::string& name, Value value) {
    registry(key, name, [&](v1::SimRegistryValue& out) {
      if constexpr (std::is_integral_v<Value>) {
        out.set_dword(value);
      } else {
        out.set_text(value);
      }
    });
  }
  void remove_registry(std::string_view key, const std::string& name) {
    registry(key, name, [](v1::SimRegistryValue& out) { out.set_absent(true); });
  }
  void set_service(const std::string& name, v1::ServiceStartType type, bool running) {
    v1::SimChange change;
    auto& service = *change.add_services();
    service.set_name(name);
    service.set_start_type(type);
    service.set_running(running);
    host.change(change);
  }

  sim::SimHost host;
  checks::OwnState own;

 private:
  // What the log holds is all that was counted.
  Known known(const HostView& at) const {
    Tallies tallies(catalogue_.rules(), at.clock);
    (void)tallies.read_back(at.events, OwnProbes(at.listener, at.clock));
    return {{}, tallies.snapshot(), {}, {}};
  }

  template <class Set>
  void registry(std::string_view key, const std::string& name, Set set) {
    v1::SimChange change;
    auto& value = *change.add_registry();
    value.set_key("HKLM\\" + std::string(key));
    value.set_name(name);
    set(value);
    host.change(change);
  }

  const Catalogue catalogue_ = Catalogue::built_in();
  const std::vector<std::unique_ptr<Fault>> faults_ = make_faults();
};

}  // namespace rdpmend::test
