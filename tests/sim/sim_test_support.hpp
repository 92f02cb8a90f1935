// What the tests of the simulated host share: a host by scenario text, and its events by id.
#pragma once

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <memory>
#include <regex>
#include <string>
#include <vector>

#include "agent-lib/sim/sim_events.hpp"
#include "agent-lib/sim/sim_host.hpp"
#include "agent-lib/support/hex.hpp"

namespace rdpmend::sim {

template <class Message>
Message parse(const std::string& text) {
  Message message;
  if (!google::protobuf::TextFormat::ParseFromString(text, &message)) ADD_FAILURE() << "not a message: " << text;
  return message;
}

// A host in the state that the scenario text gives it.
class TestHost : public SimHost {
 public:
  explicit TestHost(const std::string& scenario = "", SimOptions options = {})
      : SimHost(parse<v1::Scenario>(scenario), options), view(control().view()) {}

  using SimHost::change;
  void change(const std::string& text) { SimHost::change(parse<v1::SimChange>(text)); }

  std::vector<std::string> events(std::string_view channel, std::string_view provider, std::uint32_t id) const {
    return view.events
        .look_up({.channel = std::string(channel), .provider = std::string(provider), .event_ids = {id}, .max = 10'000})
        .value();
  }
  std::size_t count(std::string_view channel, std::string_view provider, std::uint32_t id) const {
    return events(channel, provider, id).size();
  }
  std::size_t certificate_events(std::uint32_t id) const {
    return count(k_system_channel, "Microsoft-Windows-TerminalServices-RemoteConnectionManager", id);
  }

  std::string registered_sha1() const {
    const auto hash = read_binary(view.registry, registry_key::k_win_stations, "SelfSignedCertificate").value();
    return hash ? to_hex(*hash) : std::string();
  }
  Certificate registered() const {
    return view.certificates.find(k_remote_desktop_store, registered_sha1()).value().value();
  }
  std::string key_file() const {
    const auto guid = read_text(view.registry, registry_key::k_cryptography, "MachineGuid").value().value();
    return machine_key_file_name("TSSecKeySet1", guid);
  }
  ServiceInfo service(std::string_view name) const { return view.services.find(name).value().value(); }

  using SimHost::probe;
  v1::ProbeReport probe() { return probe(Vantage::outside); }

  const HostView view;
};

inline constexpr std::string_view k_rcm_provider = "Microsoft-Windows-TerminalServices-RemoteConnectionManager";
inline constexpr std::string_view k_rdp_core_provider = "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS";
inline constexpr std::string_view k_scm_provider = "Service Control Manager";
inline constexpr std::string_view k_firewall_provider = "Microsoft-Windows-Windows Firewall With Advanced Security";

}  // namespace rdpmend::sim
