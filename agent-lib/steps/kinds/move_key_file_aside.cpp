// Moves one damaged key file of the listener out of the way, so that SessionEnv can make a new key: it cannot replace a
// key set that it can neither open nor delete (events 1057, 1058 with "object already exists", measured.md C3). The
// file goes to the service's private folder and not beside the others: everybody may make files in MachineKeys, so a
// name there can be taken or planted, and what CryptoAPI lists must be what works. The same file comes back, with
// owner, access list and times; nothing of it is read, and nothing is ever deleted.
#include <fmt/format.h>

#include <algorithm>

#include "agent-lib/steps/step_kind.hpp"

namespace rdpmend {

namespace {

class MoveKeyFileAsideKind final : public StepKind {
 public:
  std::string describe(const v1::Step& step, const v1::StepState&) const override {
    const auto& move = step.move_key_file_aside();
    return fmt::format("move Crypto\\{}\\{} aside, into the service's folder", move.folder(), move.file());
  }

  Duration default_deadline() const override { return std::chrono::seconds{10}; }

  // Reversible until SessionEnv has made a new key in its place; then a file is left over that nobody could open.
  Result<v1::StepState> capture(const HostView& host, const v1::Step& step) const override {
    const auto& move = step.move_key_file_aside();
    if (!is_of_the_listener(move)) {
      return fail(ErrorCode::invalid_argument, fmt::format("{} is no key file of the RDP listener", move.file()),
                  "No other key is ever touched.");
    }
    auto file = host.key_files.find(move.folder(), move.file());
    if (!file) return fail(std::move(file).error());
    const auto last = last_aside(host.key_files, move);
    if (!last) return fail(last.error());
    v1::StepState state;
    state.set_step_number(step.number());
    auto& captured = *state.mutable_key_file();
    captured.set_last_aside(*last);
    captured.set_present(file->has_value());
    if (*file) {
      *captured.mutable_security() = std::move((*file)->security);
      captured.set_size((*file)->size);
    }
    return state;
  }

  v1::StepState expected_after(const v1::Step&, const v1::StepState& before) const override {
    if (!before.key_file().present()) return before;
    v1::StepState after = before;
    after.mutable_key_file()->Clear();
    after.mutable_key_file()->set_last_aside(before.key_file().last_aside() + 1);
    return after;
  }

  std::optional<std::string> difference(const v1::StepState& expected, const v1::StepState& found) const override {
    const auto& a = expected.key_file();
    const auto& b = found.key_file();
    if (a.present() != b.present()) return b.present() ? "there is a key file" : "the key file is gone";
    if (a.last_aside() != b.last_aside()) {
      return fmt::format("the last file of that name that lies aside is number {}, not {}", b.last_aside(),
                         a.last_aside());
    }
    if (a.size() != b.size()) return fmt::format("the key file has {} bytes, not {}", b.size(), a.size());
    if (a.security().SerializeAsString() != b.security().SerializeAsString()) return "its owner or access list differs";
    return std::nullopt;
  }

  Status apply(const HostControl& host, const v1::Step& step, const v1::StepState& before) const override {
    const auto& move = step.move_key_file_aside();
    if (!before.key_file().present()) return {};
    if (before.key_file().last_aside() >= k_most_aside) {
      return fail(ErrorCode::exhausted, fmt::format("{} files named {} lie aside already", k_most_aside, move.file()),
                  "Something damages this key again and again; the files are in the service's folder.");
    }
    return host.key_files.move_aside(move.folder(), move.file(), aside_name(move, before.key_file().last_aside() + 1));
  }

  Status undo(const HostControl& host, const v1::Step& step, const v1::StepState& before,
              const v1::StepState& now) const override {
    const auto& move = step.move_key_file_aside();
    if (now.key_file().present()) {
      return fail(ErrorCode::conflict, fmt::format("a new key file {} stands in its place", move.file()),
                  "Leave the new key; the old one lies in the service's folder.");
    }
    if (auto ours = require_ours(step, before, now); !ours) return ours;
    return host.key_files.move_back(aside_name(move, now.key_file().last_aside()), move.folder(), move.file());
  }

 private:
  static constexpr std::uint32_t k_most_aside = 16;

  static std::string aside_name(const v1::MoveKeyFileAside& move, std::uint32_t number) {
    return fmt::format("{}.{}", move.file(), number);
  }

  // The highest number, so that a gap that a human has made is not filled. 0: there is none.
  static Result<std::uint32_t> last_aside(const KeyFiles& key_files, const v1::MoveKeyFileAside& move) {
    for (auto number = k_most_aside; number > 0; --number) {
      const auto found = key_files.find_aside(aside_name(move, number));
      if (!found) return fail(found.error());
      if (*found) return number;
    }
    return 0U;
  }

  // By the part before the machine's id: a clone may have left files of another one (rdp-host.md 2.5).
  static bool is_of_the_listener(const v1::MoveKeyFileAside& move) {
    constexpr int k_containers = 9;  // TSSecKeySet1 was measured (K7), the others are rdp-host.md 2.5's.
    for (int number = 1; number <= k_containers; ++number) {
      if (move.file().starts_with(machine_key_file_name(fmt::format("TSSecKeySet{}", number), ""))) return true;
    }
    return false;
  }
};

}  // namespace

const StepKind& move_key_file_aside_kind() {
  static const MoveKeyFileAsideKind kind;
  return kind;
}

}  // namespace rdpmend
