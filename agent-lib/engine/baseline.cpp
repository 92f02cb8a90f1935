#include "agent-lib/engine/baseline.hpp"

#include <google/protobuf/util/message_differencer.h>

#include <variant>

#include "agent-lib/knowledge/stock_host.hpp"
#include "agent-lib/steps/settings.hpp"
#include "agent-lib/support/guarded.hpp"

namespace rdpmend {

namespace {

// An unchanged baseline is written again, so that a restart knows how fresh it is.
constexpr Duration k_written_again_after = std::chrono::hours{12};

bool says_the_same(v1::Baseline a, v1::Baseline b) {
  a.clear_seen();
  b.clear_seen();
  return google::protobuf::util::MessageDifferencer::Equals(a, b);
}

}  // namespace

v1::Baseline read_baseline(const HostView& host) {
  v1::Baseline baseline;
  const auto stock = need(stock_of(host.registry));
  for (const auto& service : stock.host().services()) {
    const auto found = need(host.services.find(service.name()));
    if (!found) continue;
    auto& kept = *baseline.add_services();
    kept.set_name(service.name());
    kept.set_start_type(found->start_type);
  }
  for (const auto& row : setting_rows()) {
    if (std::holds_alternative<Nothing>(row.writable)) continue;  // It could not be put back.
    auto& kept = *baseline.add_settings();
    kept.set_setting(row.setting);
    *kept.mutable_state() = to_state(need(host.registry.value(row.key, row.name)));
  }
  for (const auto& rule : need(host.firewall.rules(k_remote_desktop_group))) {
    if (rule.enabled && rule.allow && !rule.by_policy) baseline.add_enabled_firewall_rules(rule.id);
  }
  return baseline;
}

Status record_baseline(Ledger& ledger, v1::Baseline baseline, WallTime now) {
  const auto known = ledger.read([](const IncidentBook& book) { return book.baseline(); });
  const auto age = now - from_proto(known.seen());
  const bool fresh = age >= Duration::zero() && age < k_written_again_after;
  if (fresh && says_the_same(known, baseline)) return {};
  *baseline.mutable_seen() = to_proto(now);
  return ledger.record(
      0, [&](v1::JournalEntry& entry) { *entry.mutable_baseline_taken()->mutable_baseline() = std::move(baseline); });
}

}  // namespace rdpmend
