// Adds missing access control entries to one private key file. Nothing is removed and no other file is touched:
// published advice grants on the whole folder and so opens every machine key to NETWORK SERVICE.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

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
  std::string describe(const v1::Step& step, const v1::StepState&) const override {
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
    if (matches(a.security(), b.security())) return std::nullopt;
    return fmt::format("its security is ({}), not ({})", to_text(b.security()), to_text(a.security()));
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
    v1::FileSecurity result = security;
    result.clear_dacl();
    auto it = security.dacl().begin();
    for (; it != security.dacl().end() && !is_inherited(*it); ++it) *result.add_dacl() = *it;
    for (const auto& ace : grant.missing()) *result.add_dacl() = ace;
    for (; it != security.dacl().end(); ++it) *result.add_dacl() = *it;
    security = std::move(result);
  }

  static std::uint32_t effective(const v1::FileSecurity& security, const std::string& who) {
    return granted_mask(security, who) & ~denied_mask(security, who);
  }

  // What the file inherits Windows computes anew with each writing of its list, from what its folder hands down by
  // then: such entries may come and go. What was written must be there word for word, and nothing inherited may take
  // from it.
  static bool matches(const v1::FileSecurity& expected, const v1::FileSecurity& found) {
    if (expected.owner_sid() != found.owner_sid() || expected.dacl_protected() != found.dacl_protected() ||
        expected.dacl_absent() != found.dacl_absent()) {
      return false;
    }
    const auto wanted = own_entries(expected);
    const auto own = own_entries(found);
    return std::ranges::equal(wanted, own, same_entry) && std::ranges::all_of(wanted, [&](const v1::Ace* ace) {
             const auto rights = effective(expected, ace->sid()) & ace->mask();
             return ace->type() != v1::Ace::TYPE_ALLOW || (effective(found, ace->sid()) & rights) == rights;
           });
  }

  static std::vector<const v1::Ace*> own_entries(const v1::FileSecurity& security) {
    std::vector<const v1::Ace*> own;
    for (const auto& ace : security.dacl()) {
      if (!is_inherited(ace)) own.push_back(&ace);
    }
    return own;
  }

  static bool same_entry(const v1::Ace* a, const v1::Ace* b) {
    return a->type() == b->type() && a->sid() == b->sid() && a->mask() == b->mask() && a->flags() == b->flags();
  }

  static bool is_inherited(const v1::Ace& ace) {
    constexpr std::uint32_t k_inherited_ace = 0x10;
    return (ace.flags() & k_inherited_ace) != 0;
  }
};

}  // namespace

const StepKind& grant_key_file_access_kind() {
  static const GrantKeyFileAccessKind kind;
  return kind;
}

}  // namespace rdpmend
