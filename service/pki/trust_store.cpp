#include "service/pki/trust_store.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "agent-lib/support/hex.hpp"
#include "agent-lib/support/log.hpp"
#include "agent-lib/support/printable.hpp"
#include "agent-lib/support/textproto.hpp"
#include "agent-lib/support/utf8.hpp"
#include "service/os/private_file.hpp"
#include "service/pki/certificate.hpp"

namespace rdpmend {

namespace fs = std::filesystem;

namespace {

constexpr auto k_look_again_after = std::chrono::seconds{1};
constexpr std::size_t k_max_name_bytes = 64;
constexpr std::size_t k_sha256_bytes = 32;

using Entries = std::map<std::string, v1::TrustEntry>;

// Upper case without colons, as certificates are identified here. Empty: it is no SHA-256.
std::string normalized(std::string hex) {
  std::erase(hex, ':');
  const auto bytes = from_hex(hex);
  return bytes && bytes->size() == k_sha256_bytes ? to_hex(*bytes) : std::string{};
}

// Empty: it is fine.
std::string problem_of(const v1::TrustEntry& entry) {
  if (entry.name().empty() || entry.name().size() > k_max_name_bytes) return "its name must be 1 to 64 characters";
  // It is shown wherever an action is told of: it must not drive a terminal, nor look like another name.
  if (!is_printable(entry.name())) return "its name has control characters";
  if (normalized(entry.sha256()).empty()) return "its sha256 must be 64 hex digits";
  if (entry.role() == v1::ROLE_UNSPECIFIED || !v1::Role_IsValid(entry.role())) {
    return "its role must be ROLE_VIEWER, ROLE_OPERATOR or ROLE_ADMIN";
  }
  if (entry.expires().nanos() < 0 || entry.expires().nanos() > 999'999'999) return "its expires has wrong nanos";
  return {};
}

tl::unexpected<Error> damaged(const fs::path& file, std::string_view problem) {
  return fail(ErrorCode::corrupt, fmt::format("trust file {}: {}", to_utf8(file), problem),
              "Correct the file on the host; until then nobody is let in.");
}

Result<Entries> load(const fs::path& file) {
  auto trust = read_trust_file(file);
  if (!trust) return fail(trust.error());
  Entries entries;
  for (auto& entry : *trust->mutable_entries()) {
    const auto sha256 = normalized(entry.sha256());
    const auto [at, added] = entries.emplace(sha256, entry);
    // Which of two roles would count?
    if (!added)
      return damaged(file, fmt::format("\"{}\" and \"{}\" have the same certificate", at->second.name(), entry.name()));
  }
  return entries;
}

tl::unexpected<Error> not_accepted(std::string why, std::string hint) {
  return fail(ErrorCode::unauthenticated, std::move(why), std::move(hint));
}

}  // namespace

TrustStore::TrustStore(fs::path file) : file_(std::move(file)) {}

void TrustStore::refresh(WallTime now) {
  // By distance, so that a clock that was set back does not stop it.
  if (looked_at_ && std::chrono::abs(now - *looked_at_) < k_look_again_after) return;
  looked_at_ = now;
  std::error_code code;
  FileState state;
  state.modified = fs::last_write_time(file_, code);
  if (!code) state.size = fs::file_size(file_, code);
  if (!code && loaded_ && *loaded_ == state) return;
  entries_ = load(file_);
  // A file that cannot be read is tried again each time.
  loaded_ = entries_ ? std::optional(state) : std::nullopt;
  if (!entries_) log::error("{}", to_string(entries_.error()));
}

Result<Identity> TrustStore::check(const std::string& sha256, WallTime now) {
  const std::lock_guard lock(mutex_);
  refresh(now);
  if (!entries_) return fail(entries_.error());
  const auto found = entries_->find(sha256);
  if (found == entries_->end()) {
    return not_accepted(fmt::format("the client certificate {} is not known to this host", sha256),
                        "Use a profile that was made for this host, or have an administrator add the certificate.");
  }
  const auto& entry = found->second;
  if (entry.revoked()) {
    return not_accepted(fmt::format("the trust in client \"{}\" was revoked", entry.name()),
                        "Ask an administrator of the host.");
  }
  if (entry.has_expires() && now >= from_proto(entry.expires())) {
    return not_accepted(
        fmt::format("the trust in client \"{}\" expired on {}", entry.name(), to_iso8601(from_proto(entry.expires()))),
        "Ask an administrator of the host for a new one.");
  }
  return Identity{entry.name(), entry.role(), sha256};
}

Result<Identity> TrustStore::authenticate(std::string_view certificate_pem, WallTime now) {
  const auto facts = parse_certificate(certificate_pem);
  if (!facts) return not_accepted(fmt::format("the client's certificate cannot be read: {}", facts.error().what), "");
  // Who it is comes first: to an unknown client its own dates say nothing.
  auto identity = check(facts->sha256, now);
  if (!identity) return identity;
  if (now < facts->not_before) {
    return not_accepted(
        fmt::format("the certificate of client \"{}\" is not valid before {}; this host's clock says {}",
                    identity->name, to_iso8601(facts->not_before), to_iso8601(now)),
        "Check the host's clock.");
  }
  if (now > facts->not_after) {
    return not_accepted(
        fmt::format("the certificate of client \"{}\" expired on {}; this host's clock says {}", identity->name,
                    to_iso8601(facts->not_after), to_iso8601(now)),
        "Check the host's clock; if it is right, ask an administrator of the host for a new certificate.");
  }
  return identity;
}

Result<v1::TrustFile> read_trust_file(const fs::path& file) {
  const auto text = read_small_file(file, k_max_textproto_bytes);
  if (!text) return fail(Error(text.error()).context("the trust file cannot be used, so nobody is let in"));
  v1::TrustFile trust;
  std::vector<TextprotoError> errors;
  if (!parse_textproto(*text, trust, errors, nullptr)) {
    return damaged(file, fmt::format("line {}, column {}: {}", errors.front().line, errors.front().column,
                                     errors.front().message));
  }
  for (int i = 0; i < trust.entries_size(); ++i) {
    if (const auto problem = problem_of(trust.entries(i)); !problem.empty()) {
      return damaged(file, fmt::format("entry {}: {}", i + 1, problem));
    }
  }
  return trust;
}

Status write_trust_file(const fs::path& file, const v1::TrustFile& trust) {
  std::string text;
  if (!google::protobuf::TextFormat::PrintToString(trust, &text))
    return fail(ErrorCode::internal, "cannot write the trust file as text");
  return write_private_file(file,
                            "# Who may command this host's service: rdpmend.v1.TrustFile. Read again when it changes.\n"
                            "# To shut somebody out, set revoked: true.\n" +
                                text);
}

}  // namespace rdpmend
