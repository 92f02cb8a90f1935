#include "agent-lib/sim/decisions.hpp"

namespace rdpmend::sim {

bool needs_certificate(const CertificateFacts& facts, WallTime now) {
  return !facts.not_after || *facts.not_after - now < k_renew_before;
}

bool is_orphaned(const CertificateFacts& facts) {
  return facts.not_after && !facts.key_file_there;
}

bool can_make_key(const CertificateFacts& facts) {
  return !facts.creation_fails && !facts.crypto_services_disabled;
}

bool can_make_certificate(const CertificateFacts& facts) {
  return can_make_key(facts) && !is_orphaned(facts) && facts.store_named && !facts.store_denied &&
         (!facts.key_file_there || facts.key_file_replaceable);
}

Pass pass_over(const CertificateFacts& facts, WallTime now) {
  if (!needs_certificate(facts, now)) return Pass::nothing;
  if (can_make_certificate(facts)) return Pass::makes;
  return facts.not_after ? Pass::not_replaced : Pass::not_created;
}

std::optional<std::int64_t> days_left_to_tell(const CertificateFacts& facts, WallTime now) {
  if (!facts.not_after || *facts.not_after <= now) return std::nullopt;
  return std::chrono::floor<std::chrono::days>(*facts.not_after - now).count();
}

bool failure_takes_old_key(const CertificateFacts& facts, bool old_key_goes_first) {
  return old_key_goes_first && facts.key_file_there && facts.key_file_replaceable;
}

bool wants_to_listen(std::optional<std::uint32_t> deny_connections, std::optional<std::uint32_t> enable_win_station) {
  return deny_connections == 0U && enable_win_station.value_or(0) != 0;
}

CredentialState credential_state(const CredentialFacts& facts) {
  if (!facts.certificate_there) return CredentialState::no_certificate;
  return facts.key_readable && facts.key_matches ? CredentialState::usable : CredentialState::key_unusable;
}

std::string_view drop_code(CredentialState why) {
  return why == CredentialState::key_unusable ? "0x8009030D" : "0x8009030E";
}

bool schannel_complains(CredentialState why) {
  return why == CredentialState::key_unusable;
}

}  // namespace rdpmend::sim
