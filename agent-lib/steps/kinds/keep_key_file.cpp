// Keeps a copy of a certificate's private key file before something that may cost the key: SessionEnv may delete the
// old key and then fail to make a new one (events 1057, 1058). Nothing is changed by it; only its undo writes.
#include <fmt/format.h>

#include "agent-lib/steps/step_kind.hpp"
#include "agent-lib/support/hex.hpp"

namespace rdpmend {

namespace {

class KeepKeyFileKind final : public StepKind {
 public:
  std::string describe(const v1::Step& step, const v1::StepState&) const override {
    const auto& keep = step.keep_key_file();
    return fmt::format("keep a copy of Crypto\\{}\\{} in the service's folder", keep.folder(), keep.file());
  }

  Duration default_deadline() const override { return std::chrono::seconds{10}; }

  Result<v1::StepState> capture(const HostView& host, const v1::Step& step) const override {
    const auto& keep = step.keep_key_file();
    auto registered = read_binary(host.registry, registry_key::k_win_stations, "SelfSignedCertificate");
    if (!registered) return fail(std::move(registered).error());
    const auto file = host.key_files.find(keep.folder(), keep.file());
    if (!file) return fail(file.error());
    v1::StepState state;
    state.set_step_number(step.number());
    auto& copy = *state.mutable_certificate();
    if (*registered) copy.set_registered_sha1(to_hex(**registered));
    copy.mutable_key_file()->set_present(file->has_value());
    return state;
  }

  v1::StepState expected_after(const v1::Step&, const v1::StepState& before) const override { return before; }

  std::optional<std::string> difference(const v1::StepState& expected, const v1::StepState& found) const override {
    const auto& a = expected.certificate();
    const auto& b = found.certificate();
    if (a.registered_sha1() != b.registered_sha1()) return "SessionEnv has registered another certificate";
    if (a.key_file().present() && !b.key_file().present()) return "the key file is gone";
    return std::nullopt;
  }

  Status apply(const HostControl& host, const v1::Step& step, const v1::StepState& before) const override {
    const auto& keep = step.keep_key_file();
    if (!before.certificate().key_file().present()) return {};
    auto kept = host.key_files.keep(keep.folder(), keep.file(), kept_name(keep));
    return kept ? kept : fail(std::move(kept).error().context("nothing was risked, because the key cannot be kept"));
  }

  // Another certificate has a key of its own, in the same file. Otherwise SessionEnv may have taken the file away, or
  // have put a key into it that belongs to no certificate.
  Status undo(const HostControl& host, const v1::Step& step, const v1::StepState& before,
              const v1::StepState& now) const override {
    const auto& keep = step.keep_key_file();
    if (now.certificate().registered_sha1() != before.certificate().registered_sha1())
      return fail(ErrorCode::conflict, "SessionEnv has registered another certificate since, whose key it is now");
    if (!before.certificate().key_file().present()) return {};
    const auto use = host.certificates.key_use(keep.store(), keep.sha1());
    if (use && (*use == KeyUse::usable || *use == KeyUse::denied)) return {};
    return host.key_files.put_back(kept_name(keep), keep.folder(), keep.file());
  }

 private:
  static std::string kept_name(const v1::KeepKeyFile& keep) { return keep.sha1() + ".key"; }
};

}  // namespace

const StepKind& keep_key_file_kind() {
  static const KeepKeyFileKind kind;
  return kind;
}

}  // namespace rdpmend
