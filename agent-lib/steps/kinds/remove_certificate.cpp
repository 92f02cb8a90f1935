// Removes one certificate from a LocalMachine store so that SessionEnv makes a new one. Before that a trial key must
// have been made. Once SessionEnv has registered another certificate, the old one is not put back. Its key is
// keep_key_file's matter.
#include <fmt/format.h>

#include "agent-lib/steps/step_kind.hpp"
#include "agent-lib/support/hex.hpp"

namespace rdpmend {

namespace {

class RemoveCertificateKind final : public StepKind {
 public:
  std::string describe(const v1::Step& step, const v1::StepState&) const override {
    return fmt::format(
        "remove certificate {} from store LocalMachine\\{}, if a trial key can be made; it is kept in the journal",
        step.remove_certificate().sha1(), step.remove_certificate().store());
  }

  Duration default_deadline() const override { return std::chrono::seconds{10}; }

  // The removal itself can be undone: the certificate and the link to its key are in the journal. The way back closes
  // when SessionEnv replaces the certificate, which is what the removal is for, because the new key takes the container
  // of the old one. Then the old certificate is gone for good. With one that has expired or has no key nothing is lost
  // by that, since nobody could be served with it; one that is still good, or may be, is a loss, and an administrator
  // is asked first.
  bool irreversible(const v1::Step&, const v1::StepState& before) const override {
    return !before.has_certificate() || (before.certificate().present() && before.certificate().still_good());
  }

  Result<v1::StepState> capture(const HostView& host, const v1::Step& step) const override {
    const auto& remove = step.remove_certificate();
    auto certificate = host.certificates.find(remove.store(), remove.sha1());
    if (!certificate) return fail(std::move(certificate).error());
    auto registered = read_binary(host.registry, registry_key::k_win_stations, "SelfSignedCertificate");
    if (!registered) return fail(std::move(registered).error());

    v1::StepState state;
    state.set_step_number(step.number());
    auto& copy = *state.mutable_certificate();
    copy.set_present(certificate->has_value());
    if (*certificate) {
      copy.set_der((*certificate)->der);
      copy.set_key_container((*certificate)->key_container);
      copy.set_key_provider((*certificate)->key_provider);
      copy.set_still_good(is_still_good(host, remove, **certificate));
    }
    if (*registered) copy.set_registered_sha1(to_hex(**registered));
    return state;
  }

  v1::StepState expected_after(const v1::Step&, const v1::StepState& before) const override {
    v1::StepState after = before;
    auto& copy = *after.mutable_certificate();
    copy.set_present(false);
    copy.clear_der();
    copy.clear_key_container();
    copy.clear_key_provider();
    copy.clear_still_good();
    return after;
  }

  std::optional<std::string> difference(const v1::StepState& expected, const v1::StepState& found) const override {
    const auto& a = expected.certificate();
    const auto& b = found.certificate();
    if (a.registered_sha1() != b.registered_sha1()) {
      return fmt::format("SessionEnv has registered another certificate: {} instead of {}",
                         or_none(b.registered_sha1()), or_none(a.registered_sha1()));
    }
    if (a.present() != b.present())
      return b.present() ? "the certificate is in the store" : "the certificate is not in the store";
    if (a.der() != b.der()) return "another certificate has the same thumbprint";
    return std::nullopt;
  }

  Status apply(const HostControl& host, const v1::Step& step, const v1::StepState& before) const override {
    const auto& remove = step.remove_certificate();
    if (!before.certificate().present()) return {};
    if (auto tried = host.certificates.try_key(); !tried) {
      return fail(std::move(tried).error().context("nothing was removed, because Windows cannot make a new key"));
    }
    return host.certificates.remove(remove.store(), remove.sha1());
  }

  Status undo(const HostControl& host, const v1::Step& step, const v1::StepState& before,
              const v1::StepState& now) const override {
    const auto& remove = step.remove_certificate();
    if (now.certificate().registered_sha1() != before.certificate().registered_sha1()) {
      return fail(
          ErrorCode::conflict,
          fmt::format("SessionEnv has made certificate {} and with it a new private key; the old certificate {} "
                      "has no key any more and is not put back",
                      or_none(now.certificate().registered_sha1()), remove.sha1()),
          "Leave the new certificate in place; the old one is in the journal.");
    }
    if (!now.certificate().present()) return host.certificates.add(remove.store(), before.certificate());
    if (now.certificate().der() == before.certificate().der()) return {};
    return fail(ErrorCode::conflict, "another certificate has the same thumbprint");
  }

 private:
  // What nobody can tell may be good.
  static bool is_still_good(const HostView& host, const v1::RemoveCertificate& remove, const Certificate& certificate) {
    const auto now = host.clock.now();
    if (now < certificate.not_before || certificate.not_after <= now) return false;
    const auto use = host.certificates.key_use(remove.store(), remove.sha1());
    return !use || *use == KeyUse::usable || *use == KeyUse::denied;
  }

  static std::string or_none(const std::string& sha1) { return sha1.empty() ? "none" : sha1; }
};

}  // namespace

const StepKind& remove_certificate_kind() {
  static const RemoveCertificateKind kind;
  return kind;
}

}  // namespace rdpmend
