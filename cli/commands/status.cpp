// rdpmend status: how the host and the service are.
#include <fmt/format.h>

#include "cli/commands/command.hpp"
#include "cli/format/incident_view.hpp"
#include "cli/format/loan_view.hpp"
#include "cli/format/probe_view.hpp"
#include "cli/format/words.hpp"

namespace rdpmend::cli {

namespace {

std::string size_of(std::uint64_t bytes) {
  if (bytes >= 1024 * 1024) return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1024 * 1024));
  return fmt::format("{} KiB", (bytes + 1023) / 1024);
}

std::string journal_text(const v1::GetStatusResponse& status) {
  if (status.journal_last_seq() == 0) return "empty";
  return fmt::format("#{} to #{}, {}", status.journal_first_seq(), status.journal_last_seq(),
                     size_of(status.journal_bytes()));
}

std::string sweep_text(const v1::GetStatusResponse& status) {
  if (!status.has_last_sweep()) return "none yet";
  return ago(status.last_sweep(), status.now());
}

std::string probe_text(const v1::GetStatusResponse& status) {
  if (!status.has_last_probe()) return "";
  return fmt::format("{}, {}", probe_line(status.last_probe()), ago(status.last_probe().started(), status.now()));
}

std::string reported_text(const v1::GetStatusResponse& status) {
  return status.has_last_outside_probe() ? outside_probe_line(status.last_outside_probe(), status.now()) : "";
}

// One word or two, if the channel is followed as it should be.
std::string trouble_of(const v1::ChannelStatus& channel, const v1::GetStatusResponse& status) {
  using Channel = v1::ChannelStatus;
  switch (channel.state()) {
    case Channel::STATE_FOLLOWED:
    case Channel::STATE_ABSENT: return "";
    case Channel::STATE_BEHIND:
      return fmt::format("{} records behind, last read {}", channel.lag_records(),
                         channel.has_last_read() ? ago(channel.last_read(), status.now()) : "never");
    case Channel::STATE_CLOSED: return "cannot be read: " + channel.detail();
    default: return "not opened yet";
  }
}

std::string reopened_text(const v1::ChannelStatus& channel, const v1::GetStatusResponse& status) {
  if (!channel.has_last_reopened()) return "";
  return fmt::format("opened anew {}", ago(channel.last_reopened(), status.now())) +
         (channel.times_reopened() > 1 ? fmt::format(", {} times", channel.times_reopened()) : "");
}

// A line for all that is well, and one for each channel that is not.
void print_channels(Page& page, const v1::GetStatusResponse& status) {
  if (status.channels().empty()) return;
  int followed = 0, absent = 0;
  for (const auto& channel : status.channels()) {
    followed += channel.state() == v1::ChannelStatus::STATE_FOLLOWED ? 1 : 0;
    absent += channel.state() == v1::ChannelStatus::STATE_ABSENT ? 1 : 0;
  }
  const bool all = followed + absent == status.channels_size();
  page.field("event logs",
             fmt::format("{} of {} followed", followed, status.channels_size() - absent) +
                 (absent > 0 ? fmt::format("; {} not on this host", absent) : ""),
             all ? Style::plain : Style::warn);
  for (const auto& channel : status.channels()) {
    const auto trouble = trouble_of(channel, status);
    const auto reopened = reopened_text(channel, status);
    if (trouble.empty() && reopened.empty()) continue;
    page.field("",
               fmt::format("{}: {}{}{}", channel.channel(), trouble, trouble.empty() || reopened.empty() ? "" : "; ",
                           reopened),
               trouble.empty() ? Style::plain : Style::warn);
  }
}

void print(Page& page, const v1::GetStatusResponse& status) {
  page.hang({{status.host_name() + "  ", Style::bold}, {status.host_kind()}}, "");
  page.field("service",
             fmt::format("rdpmend {}, up {}", status.version(), span_between(status.started(), status.now())));
  page.field("you", fmt::format("{} (role {})", status.client_name(), status.client_role()));
  page.field("listener", status.rdp_address());
  page.field("own address", probe_text(status), style_of(status.last_probe().outcome()));
  page.field("outside", reported_text(status), style_of(status.last_outside_probe().report().outcome()));
  page.field("last sweep", sweep_text(status));
  print_channels(page, status);
  page.field("journal", journal_text(status));
  if (status.breaker_open()) {
    page.field("repairs", "stopped: too many failed in a row; only an administrator starts one", Style::bad);
  }
  for (const auto& loan : status.loans()) page.field("relaxed", loan_line(loan, status.now()), Style::warn);
  for (const auto& what : status.degraded()) page.field("degraded", what, Style::warn);
  const bool healthy = status.open_incidents() == 0;
  page.field("incidents", healthy ? "none open" : fmt::format("{} open", status.open_incidents()),
             healthy ? Style::good : Style::warn);
  if (status.incidents().empty()) return;
  page.blank();
  print_incidents(page, status.incidents());
  const auto listed = static_cast<std::uint32_t>(status.incidents_size());
  if (status.open_incidents() > listed)
    page.text(fmt::format("and {} more: rdpmend incidents", status.open_incidents() - listed));
}

Result<ExitCode> show_status(Context& context, bool check) {
  auto client = context.connect();
  if (!client) return fail(client.error());
  const auto status = client->call(&Client::Stub::GetStatus, v1::GetStatusRequest{});
  if (!status) return fail(status.error());
  const auto shown = context.show(*status, [&](Page& page) { print(page, *status); });
  if (!shown) return fail(shown.error());
  const bool well = status->open_incidents() == 0 && status->degraded().empty();
  return check && !well ? ExitCode::not_well : ExitCode::ok;
}

}  // namespace

void add_status(CLI::App& app, Run& chosen) {
  auto& command =
      add_command(app, "status", "How the host and the service are", {"status", "status --check && echo healthy"});
  const auto check = std::make_shared<bool>(false);
  command.add_flag("--check", *check, "Exit with 5 if incidents are open or something is degraded");
  command.callback([check, &chosen] { chosen = [check](Context& context) { return show_status(context, *check); }; });
}

}  // namespace rdpmend::cli
