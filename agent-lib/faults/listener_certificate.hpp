// Which certificate the RDP listener presents, where it comes from, which file holds its private key, and the proof
// that it is served. Precedence: explicit binding, then the template named by Group Policy, then the self-signed one.
// https://learn.microsoft.com/troubleshoot/windows-server/remote/remote-desktop-listener-certificate-configurations
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent-lib/events/event_record.hpp"
#include "agent-lib/host/host.hpp"

namespace rdpmend::faults {

struct ListenerCertificate {
  enum class Origin { bound, policy_template, self_signed };
  Origin origin = Origin::self_signed;
  std::string store;                       // Where it must be.
  std::string sha1;                        // Registered thumbprint; empty: none is registered.
  std::optional<Certificate> certificate;  // Absent: not in the store.
  std::string source;                      // The registry value that says so.
  std::string malformed;  // How the registry value is no thumbprint. Empty: it is one, or there is none.
};

Result<ListenerCertificate> read_listener_certificate(const HostView& host);

// The file of the only key container that a listener was ever seen to use (measured.md K7). Other machine keys are
// never looked at.
inline constexpr std::string_view k_listener_container = "TSSecKeySet1";

struct RdpKeyFile {
  std::string file;  // Its name.
  bool present = false;
  KeyFile state;                 // present only.
  std::vector<v1::Ace> missing;  // Of the build's stock entries: what a repair of this file adds (measured.md K2).
  std::string unknown;           // Why nobody here can tell what its access list holds; empty: somebody can.

  bool lets_read(std::string_view sid) const { return has_access(state.security, sid, k_file_generic_read); }
  bool lets_do_all(std::string_view sid) const { return has_access(state.security, sid, k_file_all_access); }
  bool denies(std::string_view sid) const { return denied_mask(state.security, sid) != 0; }
};
Result<RdpKeyFile> read_rdp_key_file(const HostView& host);

// What is said of the key file in a diagnosis: an entry that denies, a link, a list that cannot be read. Each is a
// human's to settle and ends up as advice; false: nothing of the kind.
bool add_key_file_obstacles(const RdpKeyFile& key, v1::Diagnosis& diagnosis);
// The step that adds what is missing, if something is.
void add_key_access(const RdpKeyFile& key, v1::Plan& plan, v1::Rung& rung);

// Nothing is restarted into a replaced termsrv.dll: RDP wrappers and hijackers change exactly that. True: a rung that
// restarts TermService was added. False: the plan is advice only now.
Result<bool> add_term_service_rung(const HostView& host, v1::Plan& plan);
inline constexpr std::string_view k_term_service_rung = "restart TermService";

// Events of SessionEnv and TermService in the System log, newest first.
Result<std::vector<EventRecord>> certificate_events(const HostView& host, std::vector<std::uint32_t> ids,
                                                    WallTime since);

// A handshake over the host's own address, or over loopback if that is not reached: does the listener serve exactly the
// registered certificate? Asks again for a while; then the restart of TermService may help.
Result<v1::Verdict> prove_served(const HostView& host, const ListenerCertificate& listener, WallTime since);

}  // namespace rdpmend::faults
