// Adds missing access control entries to one private key file. Nothing is removed and no other file is touched:
// published advice grants on the whole folder and so opens every machine key to NETWORK SERVICE.
#include <fmt/format.h>

#include <algorithm>

#include "agent-lib/steps/step_kind.hpp"

namespace rdpmend {

namespace {

std::string rights_of(std::uint32_t mask) {
  if (mask == k_file_all_access) return "Full";
  if (mask == k_file_generic_read) return "Read";
  return fmt::format("{:#010x}", mask);
}

std::string to_text(const v1::Ace& ace) {
  return fmt::format("{} {} {}", ace.type() == v1::Ace::TYPE_DENY ? "deny" : "allow", ace.sid(), rights_of(ace.mask()));
}

std::string to_text(const v1::FileSecurity& security) {
  if (security.dacl_absent()) return "no DACL";
  std::string text;
  for (const auto& ace : security.dacl()) text += (text.empty() ? "" : "; ") + to_text(ace);
  return fmt::format("owner {}, {}{}", security.owner_sid(), security.dacl_protected() ? "" : "inheriting, ", text);
}

class GrantKeyFileAccessKind final : public StepKind {
 public:
  std::string describe(const v1::Step& step) const override {
    const auto& grant = step.grant_key_file_access();
    std::string entries;
    for (const auto& ace : grant.missing()) entries += (entries.empty() ? "" : ", ") + to_text(ace);
    return fmt::format("add to the access list of Crypto\\{}\\{}: {}", grant.folder(), grant.file(), entries);
  }

  Duration default_deadline() const override { return std::chrono::seconds{10}; }

  Result<v1::StepState> capture(const HostView& host, const v1::Step& step) const override {
    const auto& grant = step.grant_key_file_access();
    auto file = host.key_files.find(grant.folder(), grant.file());
    if (!file) return fail(std::move(file).error());
    v1::StepState state;
    state.set_step_number(step.number());
    auto& key_file = *state.mutable_key_file();
    key_file.set_present(file->has_value());
    if (*file) *key_file.mutable_security() = (*file)->security;
    return state;
  }

  v1::StepState expected_after(const v1::Step& step, const v1::StepState& before) const override {
    v1::StepState after = before;
    add_missing(step.grant_key_file_access(), *after.mutable_key_file()->mutable_security());
    return after;
  }

  std::optional<std::string> difference(const v1::StepState& expected, const v1::StepState& found) const override {
    const auto& a = expected.key_file();
    const auto& b = found.key_file();
    if (a.present() != b.present()) return b.present() ? "the key file appeared" : "the key file is gone";
    const auto text_a = to_text(a.security());
    const auto text_b = to_text(b.security());
    if (text_a == text_b && same_flags(a.security(), b.security())) return std::nullopt;
    return fmt::format("its security is ({}), not ({})", text_b, text_a);
  }

  Status apply(const HostControl& host, const v1::Step& step, const v1::StepState& before) const override {
    const auto& grant = step.grant_key_file_access();
    auto file = host.key_files.find(grant.folder(), grant.file());
    if (!file) return fail(std::move(file).error());
    if (!*file) return fail(ErrorCode::not_found, fmt::format("key file {} is gone", grant.file()));
    if (!(*file)->plain) {
      return fail(ErrorCode::denied, fmt::format("{} is a link: its access list is not touched", grant.file()),
                  "Find out who planted a link in the key folder.");
    }
    return host.key_files.write_dacl(grant.folder(), grant.file(), expected_after(step, before).key_file().security());
  }

  Status undo(const HostControl& host, const v1::Step& step, const v1::StepState& before,
              const v1::StepState& now) const override {
    if (auto ours = require_ours(step, before, now); !ours) return ours;
    const auto& grant = step.grant_key_file_access();
    return host.key_files.write_dacl(grant.folder(), grant.file(), before.key_file().security());
  }

 private:
  // Explicit entries stand before inherited ones:
  // https://learn.microsoft.com/windows/win32/secauthz/order-of-aces-in-a-dacl
  static void add_missing(const v1::GrantKeyFileAccess& grant, v1::FileSecurity& security) {
    constexpr std::uint32_t k_inherited_ace = 0x10;
    v1::FileSecurity result = security;
    result.clear_dacl();
    auto it = security.dacl().begin();
    for (; it != security.dacl().end() && (it->flags() & k_inherited_ace) == 0; ++it) *result.add_dacl() = *it;
    for (const auto& ace : grant.missing()) *result.add_dacl() = ace;
    for (; it != security.dacl().end(); ++it) *result.add_dacl() = *it;
    security = std::move(result);
  }

  static bool same_flags(const v1::FileSecurity& a, const v1::FileSecurity& b) {
    return std::equal(a.dacl().begin(), a.dacl().end(), b.dacl().begin(), b.dacl().end(),
                      [](const auto& x, const auto& y) { return x.flags() == y.flags(); });
  }
};

}  // namespace

const StepKind& grant_key_file_access_kind() {
  static const GrantKeyFileAccessKind kind;
  return kind;
}

}  // namespace rdpmend
