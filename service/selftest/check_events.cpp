// The channels that the rules read, and, where this host has logged such events, whether they look as the rules expect.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "agent-lib/events/ascii.hpp"
#include "agent-lib/events/event_xml.hpp"
#include "agent-lib/rules/catalogue.hpp"
#include "agent-lib/support/address.hpp"
#include "service/selftest/checks.hpp"

namespace rdpmend {

namespace {

constexpr Duration k_look_back = std::chrono::days{90};
constexpr std::size_t k_longest_value = 80;
constexpr std::size_t k_sha1_digits = 40;
constexpr std::string_view k_certificate_provider = "Microsoft-Windows-TerminalServices-RemoteConnectionManager";

Result<std::vector<std::string>> newest(const HostView& host, std::string_view channel, std::string_view provider,
                                        std::uint32_t id) {
  return host.events.look_up({.channel = std::string(channel),
                              .provider = std::string(provider),
                              .event_ids = {id},
                              .since = host.clock.now() - k_look_back,
                              .max = 1});
}

// Whether a service without SeSecurityPrivilege may read the Security log, the pages do not say: one says that the
// privilege is needed, and the channel's own access list lets SYSTEM read.
// https://learn.microsoft.com/windows/win32/eventlog/event-logging-security
void check_channels(const HostView& host, const Catalogue& catalogue, Checks& checks) {
  std::set<std::string> seen;
  for (const auto& rule : catalogue.rules()) {
    if (!seen.insert(to_ascii_lower(rule.channel())).second) continue;
    const Assumption assumption{"channel " + rule.channel(), "can be read", fmt::format("rule {}", rule.id())};
    const auto read = newest(host, rule.channel(), rule.provider(), rule.event_ids(0));
    if (!read) {
      checks.failed(assumption, read.error());
    } else {
      checks.holds(assumption, "can be read");
    }
  }
}

std::vector<std::string> missing_fields(const v1::Rule& rule, const EventRecord& event) {
  std::vector<std::string> missing;
  for (const auto& predicate : rule.where()) {
    const bool there = predicate.field_case() == v1::FieldPredicate::kName
                           ? event.named(predicate.name()).has_value()
                           : event.positional(predicate.position()).has_value();
    const bool wanted = predicate.test_case() != v1::FieldPredicate::kPresent || predicate.present();
    if (wanted && !there) {
      missing.push_back(predicate.field_case() == v1::FieldPredicate::kName ? predicate.name()
                                                                            : fmt::format("#{}", predicate.position()));
    }
  }
  return missing;
}

std::string fields_of(const EventRecord& event) {
  std::vector<std::string> fields;
  for (const auto& field : event.fields) {
    fields.push_back(
        fmt::format("{}={}", field.name.empty() ? "(unnamed)" : field.name, field.value.substr(0, k_longest_value)));
  }
  if (!event.binary.empty()) fields.push_back("Binary=" + event.binary.substr(0, k_longest_value));
  return fields.empty() ? "no data" : fmt::format("{}", fmt::join(fields, ", "));
}

// The newest event of this id, if it can be read and parsed; else that is told.
std::optional<EventRecord> look_at(const HostView& host, std::string_view channel, std::string_view provider,
                                   std::uint32_t id, const Assumption& assumption, Checks& checks) {
  const auto read = newest(host, channel, provider, id);
  if (!read && read.error().code == ErrorCode::not_found) {
    checks.not_here(assumption, "its channel is not there");  // check_channels says so once.
    return std::nullopt;
  }
  if (!read) {
    checks.failed(assumption, read.error());
    return std::nullopt;
  }
  if (read->empty()) {
    checks.not_here(assumption, "none in 90 days");
    return std::nullopt;
  }
  auto event = parse_event(read->front());
  if (event) return std::move(*event);
  checks.failed(assumption, event.error());
  return std::nullopt;
}

void check_fields(const HostView& host, const v1::Rule& rule, Checks& checks) {
  for (const auto id : rule.event_ids()) {
    const Assumption assumption{fmt::format("event {} of {}", id, rule.provider()),
                                rule.where().empty() ? "can be parsed" : "has the fields that the rule tests",
                                fmt::format("rule {}", rule.id())};
    const auto event = look_at(host, rule.channel(), rule.provider(), id, assumption, checks);
    if (!event) continue;
    const auto missing = missing_fields(rule, *event);
    checks.compare(missing.empty(), assumption,
                   missing.empty() ? fields_of(*event)
                                   : fmt::format("without {}: {}", fmt::join(missing, ", "), fields_of(*event)));
  }
}

// What a client is told by. Which of these forms a build writes for which kind of connection is proven of few hosts.
void check_addresses(const HostView& host, const v1::Rule& rule, Checks& checks) {
  for (const auto& capture : rule.captures()) {
    if (!capture.address()) continue;
    const auto id = rule.event_ids(0);
    const Assumption assumption{fmt::format("{} of event {} of {}", capture.name(), id, rule.provider()),
                                "an address, LOCAL, - or nothing",
                                fmt::format("rule {}; unproven for most builds", rule.id())};
    const auto event = look_at(host, rule.channel(), rule.provider(), id, assumption, checks);
    if (!event) continue;
    const auto value = event->named(capture.name());
    checks.compare(value && (address_in(*value) || value->empty() || *value == "-" || *value == "LOCAL"), assumption,
                   value ? value->substr(0, k_longest_value) : "no such field");
  }
}

// 1056: a new certificate, 1057 and 1058: none could be made. Verification relies on the first, and its thumbprint.
void check_certificate_events(const HostView& host, Checks& checks) {
  for (const std::uint32_t id : {1056U, 1057U, 1058U}) {
    const bool success = id == 1056;
    const Assumption assumption{
        fmt::format("layout of event {} in System", id),
        success ? "unnamed data, and the thumbprint as Binary" : "unnamed data; the status as text or %%number",
        "rdp-host.md 1.0, 8.4.1"};
    const auto event = look_at(host, "System", k_certificate_provider, id, assumption, checks);
    if (!event) continue;
    bool unnamed = !event->fields.empty();
    for (const auto& field : event->fields) unnamed = unnamed && field.name.empty();
    checks.compare(unnamed && (!success || event->binary.size() == k_sha1_digits), assumption, fields_of(*event));
  }
}

}  // namespace

void check_events(const HostView& host, v1::SelfTestResponse& all) {
  Checks checks("events", all);
  const auto catalogue = Catalogue::built_in();
  check_channels(host, catalogue, checks);
  for (const auto& rule : catalogue.rules()) {
    check_fields(host, rule, checks);
    check_addresses(host, rule, checks);
  }
  check_certificate_events(host, checks);
}

}  // namespace rdpmend
