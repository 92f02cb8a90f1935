// rdpmend health: every check of the host, in the order of a connection; at will until all is well.
#include <fmt/format.h>

#include <algorithm>

#include "cli/commands/command.hpp"
#include "cli/format/azure.hpp"
#include "cli/format/check_view.hpp"
#include "cli/format/json.hpp"
#include "cli/format/junit.hpp"
#include "cli/session/follow.hpp"

namespace rdpmend::cli {

namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::seconds;

// Each look is a handshake that the host logs: between two of them, whatever happens meanwhile.
constexpr seconds k_shortest_pause{1};
constexpr seconds k_most_between_looks{30};

struct HealthOptions {
  bool all = false;
  bool wait = false;
  unsigned at_most_s = 300;
  unsigned max_age_s = 0;
};

ExitCode exit_code_of_health(const v1::GetHealthResponse& health) {
  if (health.answer() == v1::Check::ANSWER_FAULTY || health.open_incidents() > 0) return ExitCode::not_well;
  return health.answer() == v1::Check::ANSWER_HEALTHY ? ExitCode::ok : ExitCode::failed;
}

// What may have made the host better, or the service. Not all that does is journalled.
bool is_news(const v1::WatchResponse& response) {
  switch (response.entry().body_case()) {
    case v1::JournalEntry::kIncidentStateChanged:
    case v1::JournalEntry::kRepairEnded:
    case v1::JournalEntry::kServiceStarted:
    case v1::JournalEntry::kServiceTrouble:
    case v1::JournalEntry::kChannelReopened: return true;
    default: return false;
  }
}

// Looks again whenever the journal tells of something, and now and then besides.
class HealthWait {
 public:
  HealthWait(Context& context, Client& client, SteadyClock::time_point end)
      : context_(context), client_(client), end_(end) {}

  // The last answer: healthy, or the time is over. unavailable: the service could not be reached all the time.
  Result<v1::GetHealthResponse> run() {
    for (auto pause = k_shortest_pause;; pause = std::min(pause * 2, k_most_between_looks)) {
      const auto began = SteadyClock::now();
      auto health = look();
      if (client_.stop().stop_requested()) return fail(ErrorCode::cancelled, "interrupted while waiting");
      if (health ? exit_code_of_health(*health) == ExitCode::ok : health.error().code != ErrorCode::unavailable)
        return health;
      if (SteadyClock::now() >= end_) return health;
      tell(health ? "not yet: " + trouble_of(*health) : health.error().what + "; trying again");
      wait_for_news(std::min(began + pause, end_));
      pause_until(client_.stop(), std::min(began + k_shortest_pause, end_));
    }
  }

 private:
  Result<v1::GetHealthResponse> look() {
    const auto status = client_.call(&Client::Stub::GetStatus, v1::GetStatusRequest{});
    if (!status) return fail(status.error());
    newest_seq_ = status->journal_last_seq();
    return client_.call(&Client::Stub::GetHealth, v1::GetHealthRequest{});
  }

  static std::string trouble_of(const v1::GetHealthResponse& health) {
    const auto list = list_of_trouble(health);
    return list.empty() ? fmt::format("{} incidents are open", health.open_incidents()) : list;
  }

  void tell(const std::string& what) {
    if (what != told_) context_.notes().text(what);
    told_ = what;
  }

  void wait_for_news(SteadyClock::time_point until) {
    const auto followed = follow(client_, {newest_seq_, 0, until},
                                 {[](const auto& response) { return !is_news(response); }, [](const std::string&) {}});
    if (!followed && followed.error().code != ErrorCode::timeout) pause_until(client_.stop(), until);
  }

  Context& context_;
  Client& client_;
  const SteadyClock::time_point end_;
  std::uint64_t newest_seq_ = 0;
  std::string told_;
};

Status show_answer(Context& context, const v1::GetHealthResponse& health, bool all) {
  if (context.options().format == "junit") return context.write(to_junit(health));
  if (context.options().format != "avd")
    return context.show(health, [&](Page& page) { print_health(page, health, all); });
  const auto json = to_json(to_azure(health), JsonLayout::indented, JsonNames::camel_case);
  return json ? context.write(*json) : fail(json.error());
}

Result<ExitCode> show_health(Context& context, const HealthOptions& options) {
  auto client = context.connect();
  if (!client) return fail(client.error());
  v1::GetHealthRequest request;
  if (options.max_age_s > 0) request.mutable_max_age()->set_seconds(options.max_age_s);
  const auto health = options.wait ? HealthWait(context, *client, SteadyClock::now() + seconds{options.at_most_s}).run()
                                   : client->call(&Client::Stub::GetHealth, request);
  if (!health) return fail(health.error());
  if (const auto shown = show_answer(context, *health, options.all); !shown) return fail(shown.error());
  return exit_code_of_health(*health);
}

}  // namespace

void add_health(CLI::App& app, Run& chosen) {
  auto& command = add_command(
      app, "health",
      "Look at every stage of a connection now, and answer each in order: healthy, faulty or unknown. Changes nothing. "
      "Exits with 5 if something is faulty or incidents are open, with 2 if something could not be read. --format "
      "junit "
      "is for CI tools, --format avd is what Azure Virtual Desktop tells of its session hosts.",
      {"health", "health --all", "health --wait --at-most 600 && echo healthy", "health --max-age 900 --format json",
       "health --format junit"});
  const auto options = std::make_shared<HealthOptions>();
  command.add_flag("--all", options->all, "Show the evidence of healthy checks, too");
  auto* wait = command.add_flag("--wait", options->wait,
                                "Look again until all is healthy; also waits for a service that is not there yet");
  command.add_option("--at-most", options->at_most_s, "With --wait: how long, before it exits by the last answer")
      ->type_name("SECONDS")
      ->check(CLI::Range(1U, 86400U).description(""))
      ->capture_default_str()
      ->needs(wait);
  command
      .add_option("--max-age", options->max_age_s,
                  "Be content with answers that are not older; else the host is looked at")
      ->type_name("SECONDS")
      ->check(CLI::Range(1U, 86400U).description(""))
      ->excludes(wait);
  command.callback(
      [options, &chosen] { chosen = [options](Context& context) { return show_health(context, *options); }; });
}

}  // namespace rdpmend::cli
