// The file that holds the private key of the listener's own certificate: what is wrong with it, in words and steps.
#pragma once

#include <string>
#include <vector>

#include "agent-lib/faults/kit/case.hpp"
#include "agent-lib/faults/kit/plan_draft.hpp"
#include "agent-lib/host/host.hpp"

namespace rdpmend::faults::certificate {

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
  // "key file of TSSecKeySet1 (f686...)".
  std::string name() const;
};
Result<RdpKeyFile> read_rdp_key_file(const HostView& host);

// An entry that denies, a link, a list that cannot be read: each is a human's to settle, and is said with its advice.
// False: there is nothing of the kind.
bool add_obstacles(const RdpKeyFile& key, Case& found);
// The step that adds what is missing, if something is.
void add_access(const RdpKeyFile& key, PlanDraft& plan);

}  // namespace rdpmend::faults::certificate
