// What one look sees of the listener's certificate, and of what SessionEnv needs to make or renew it. Shared by the
// certificate faults: each has one cause, and the fault of the certificate itself comes last.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/engine/look.hpp"
#include "agent-lib/events/event_record.hpp"
#include "agent-lib/faults/certificate/listener_certificate.hpp"
#include "agent-lib/faults/kit/case.hpp"

namespace rdpmend::faults::certificate {

inline constexpr std::string_view k_subject = "RDP-Tcp";

// Of SessionEnv and TermService in the System log: made, could not be made, could not be replaced.
inline constexpr std::uint32_t k_created = 1056;
inline constexpr std::uint32_t k_create_failed = 1057;
inline constexpr std::uint32_t k_replace_failed = 1058;

// Why the registered certificate is none that a client should be shown.
struct Problem {
  std::string text;
  bool by_dates = false;  // Dates are the only complaint: it stands and falls with the clock.
  bool renewal = false;   // The certificate is still good, but its renewal fails.
  bool key_lost = false;  // Its private key is missing, damaged or another's.
};

struct Examination {
  ListenerCertificate listener;
  std::optional<Problem> problem;
  bool is_ours() const { return listener.origin == ListenerCertificate::Origin::self_signed; }
};
// Throws as need() does.
Examination examine(const Look& look);

// SessionEnv has a certificate to make or to renew, and the host's dates can be believed: only then is what it lacks a
// fault.
bool is_due(const Look& look, const Examination& seen);

// Where only dates speak, the clock must be known to be right. A host that has just started may have any time: nothing
// is judged until Windows Time has had its chance. Throws as need() does while that is so.
enum class Dates { confirmed, doubtful };
Dates judge_dates(const Look& look);

// The registered certificate and what is wrong with it, as evidence.
void add_certificate(const Examination& seen, Case& found);

// What the listener gives to the host itself; nullopt: nobody can tell.
std::optional<v1::ProbeReport> handshake(const Look& look);
// The listener shows some certificate that is valid now. Windows may have fallen back, or serve a template's that we do
// not know of: what a client gets is the truth.
bool serves_a_valid_certificate(const Look& look);
// The listener shows exactly this certificate.
bool is_served(const Look& look, const std::string& sha1);

// The newest of them first; a log that cannot be read is as good as empty.
std::vector<EventRecord> recent_events(const Look& look, std::vector<std::uint32_t> ids, WallTime since);

}  // namespace rdpmend::faults::certificate
