#include "service/rehearsal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <mutex>
#include <random>
#include <set>

#include "agent-lib/probe/rdp_handshake.hpp"
#include "agent-lib/sim/scenarios.hpp"
#include "agent-lib/support/address.hpp"
#include "agent-lib/support/printable.hpp"
#include "agent-lib/support/utf8.hpp"
#include "service/app.hpp"
#include "service/config/config.hpp"
#include "service/healing_watch.hpp"
#include "service/hosting/console_host.hpp"
#include "service/hosts/rehearsed_host.hpp"
#include "service/os/exit_codes.hpp"
#include "service/os/hard_stop.hpp"
#include "service/os/logging.hpp"
#include "service/os/print.hpp"
#include "service/os/private_file.hpp"
#include "service/scenario_file.hpp"

namespace rdpmend {

namespace {

// Lines for the person who rehearses; whole, in order, and at once also if standard output is a file.
class Narrator {
 public:
  template <class... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) {
    const std::scoped_lock lock(mutex_);
    print_to(stdout, "{}\n", fmt::format(format, std::forward<Args>(args)...));
    std::fflush(stdout);
  }
  // With the time since the start.
  void tell(const std::string& story) {
    const auto since = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start_);
    say("{:02}:{:02}  {}", since.count() / 60, since.count() % 60, story);
  }

 private:
  std::mutex mutex_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

Result<std::filesystem::path> state_folder(const RehearsalOptions& options) {
  auto folder = options.state;
  if (!folder) {
    std::error_code error;
    const auto parent = std::filesystem::temp_directory_path(error);
    if (error) return fail(ErrorCode::unavailable, "there is no folder for temporary files", "Name one with --state.");
    std::random_device random;
    folder = parent / fmt::format("rdpmend-rehearsal-{:08x}{:08x}", random(), random());
  }
  if (auto made = make_private_folder(*folder); !made)
    return fail(std::move(made.error()).context("cannot use the state folder"));
  return std::filesystem::absolute(*folder);  // For the line that is copied into another terminal.
}

Result<v1::ServiceConfig> configuration(const RehearsalOptions& options) {
  if (auto checked = parse_listen_address(options.listen); !checked)
    return fail(std::move(checked.error()).context("--listen"));
  auto config = options.config ? load_config(options.config, *options.config, Catalogue::built_in())
                               : Result<v1::ServiceConfig>(default_config());
  if (config) config->mutable_rpc()->set_listen(options.listen);
  return config;
}

void introduce(Narrator& narrator, const App& app, const RehearsedHost& host, const std::filesystem::path& state) {
  narrator.say("  gRPC   {}", app.rpc_address());
  narrator.say("  RDP    {} (loopback), {} (from outside)", host.loopback_address(), host.outside_address());
  narrator.say("  state  {} (kept afterwards)", to_utf8(state));
  narrator.say("  try    rdpmend --profile {} status", to_utf8(app.admin_profile()));
}

// Ends the console's wait with the answer.
class HealingJudge {
 public:
  HealingJudge(ConsoleHost& console, HealingWatch watch, Duration deadline)
      : console_(console), watch_(std::move(watch)), timer_(console.context(), deadline) {
    timer_.async_wait([this, deadline](const boost::system::error_code& error) {
      if (!error) decide({false, "the host is not healed within " + to_human(deadline)});
    });
    look();
  }

  void look() {
    if (answer_) return;
    if (auto answer = watch_.look()) decide(std::move(*answer));
  }
  const std::optional<Healing>& answer() const { return answer_; }

 private:
  void decide(Healing answer) {
    if (answer_) return;
    answer_ = std::move(answer);
    timer_.cancel();
    console_.end("the rehearsal is over");
  }

  ConsoleHost& console_;
  HealingWatch watch_;
  asio::steady_timer timer_;
  std::optional<Healing> answer_;
};

std::string probe_from_outside(RehearsedHost& host) {
  const auto target = parse_probe_target(host.outside_address());
  if (!target) return target.error().what;
  return fault_of(probe_rdp(*target, {}), host.control().clock.now());
}

int conclude(Narrator& narrator, const std::optional<Healing>& answer) {
  if (!answer) return exit_code::k_not_healed;  // Interrupted.
  narrator.tell(fmt::format("{}: {}", answer->healed ? "healed" : "not healed", answer->why));
  return answer->healed ? exit_code::k_ok : exit_code::k_not_healed;
}

std::set<std::string> expected_faults(const v1::Scenario& scenario) {
  std::set<std::string> ids;
  for (const auto& incident : scenario.expect().present()) ids.insert(incident.fault_id());
  return ids;
}

Result<int> run(const RehearsalOptions& options) {
  const auto scenario =
      options.file ? load_scenario(*options.file, Catalogue::built_in()) : sim::find_scenario(options.scenario);
  if (!scenario) return fail(scenario.error());
  auto config = configuration(options);
  if (!config) return fail(std::move(config.error()));
  const auto state = state_folder(options);
  if (!state) return fail(state.error());
  if (auto logging = start_logging(config->log(), ConsoleLog::none, *state / "log"); !logging)
    return fail(std::move(logging.error()));

  ConsoleHost console;
  Narrator narrator;
  narrator.say("Rehearsal {}: {}", scenario->name(), scenario->title());
  auto host = RehearsedHost::open(*scenario, options.rdp_port, [&](const std::string& story) { narrator.tell(story); });
  if (!host) return fail(std::move(host.error()));

  std::optional<HealingJudge> judge;
  auto app = App::start({std::move(*config), *state, (*host)->control(), [&](std::uint64_t) {
                           asio::post(console.context(), [&] {
                             if (judge) judge->look();
                           });
                         }});
  if (!app) return fail(std::move(app.error()));
  introduce(narrator, **app, **host, *state);
  if (options.until_healed) {
    judge.emplace(
        console,
        HealingWatch((*app)->journal(), expected_faults(*scenario), [&] { return probe_from_outside(**host); }),
        options.deadline);
  }
  const auto reason = console.wait();
  const int code = options.until_healed ? conclude(narrator, judge->answer()) : exit_code::k_ok;
  const HardStop limit;
  (*app)->stop(reason);
  narrator.say("Stopped: {}. The state is kept in {}", reason, to_utf8(*state));
  return code;
}

}  // namespace

int rehearse(const RehearsalOptions& options) {
  const auto code = run(options);
  stop_logging();
  if (code) return *code;
  print_to(stderr, "rdpmendd: {}\n", printable(to_string(code.error())));
  return exit_code::k_refused;
}

int list_scenarios() {
  std::size_t width = 0;
  for (const auto& scenario : sim::scenarios()) width = std::max(width, scenario.name().size());
  for (const auto& scenario : sim::scenarios())
    print_to(stdout, "{:<{}}  {}\n", scenario.name(), width, scenario.title());
  return exit_code::k_ok;
}

}  // namespace rdpmend
