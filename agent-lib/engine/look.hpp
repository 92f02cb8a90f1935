// One examination of the host, as a fault gets it: the host's ports, each of which is asked each question once, what
// made us look, and what is remembered of the host. What a fault cannot do without is read with need(): what it throws
// makes the fault unknown.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/engine/tallies.hpp"
#include "agent-lib/host/host.hpp"
#include "rdpmend/v1/journal.pb.h"

namespace rdpmend {

// What is known of the host besides what it shows now.
struct Known {
  v1::Baseline baseline;                          // How it was when it was last seen healthy. Empty: it never was.
  TalliesSnapshot tallies;                        // What was counted of events, for faults that only events tell of.
  std::vector<v1::Loan> loans;                    // The running ones: what they have changed is ours, and no fault.
  std::optional<v1::OutsideProbe> outside_probe;  // The newest that a client told of since the service started.

  bool lends(v1::Loan::Kind kind) const {
    return std::any_of(loans.begin(), loans.end(), [kind](const v1::Loan& loan) { return loan.kind() == kind; });
  }
};

struct Look {
  const HostView& host;
  std::vector<v1::Signal> signals;  // That point to this fault, the newest last. Empty: something else made us look.
  const Known& known;

  // What the newest signal captured under this name; nullptr: none has anything.
  const v1::Signal* newest_with(const std::string& capture) const {
    for (auto signal = signals.rbegin(); signal != signals.rend(); ++signal) {
      const auto found = signal->captures().find(capture);
      if (found != signal->captures().end() && !found->second.empty()) return &*signal;
    }
    return nullptr;
  }
};

}  // namespace rdpmend
