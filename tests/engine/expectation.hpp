// What a scenario says of its end (scenario.proto, Expect), against what became of it.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/record/incident_book.hpp"
#include "agent-lib/record/journal.hpp"
#include "agent-lib/sim/sim_host.hpp"
#include "rdpmend/v1/scenario.pb.h"

namespace rdpmend::test {

using Lines = std::set<std::string>;
Lines lines_of(const std::string& fingerprint);
// Lines that only one of the two has.
Lines changed_lines(const Lines& before, const Lines& after);
// Somebody has changed the facts that these lines are about: whatever `lines` said of them is what `after` says.
void carry_over(Lines& lines, const Lines& changed, const Lines& after);
// `*` in a pattern stands for any text.
bool speaks_of(std::string_view pattern, std::string_view line);
// Those that no pattern speaks of.
Lines unspoken(const Lines& lines, const std::vector<std::string>& patterns);
// The lines that a step may change itself.
std::vector<std::string> lines_touched_by(const v1::Step& step);
// The lines that SessionEnv may change when it makes a certificate, or fails to (SimHost::certificate_passes).
std::vector<std::string> lines_touched_by_session_env();

// The book that the journal implies. Throws std::runtime_error if its hash chain is broken.
IncidentBook book_of(const Journal& journal);

enum class Administrator { none, approves_everything };

// Each of these is empty if it is as expected, else says what is not.
std::string complaint_about_incidents(const v1::Expect& expect, const IncidentBook& book, Administrator administrator);
std::string complaint_about_lines(const v1::Expect& expect, const Lines& changed);

// The host's fingerprint as it would be if the service had written nothing.
class Untouched {
 public:
  explicit Untouched(sim::SimHost& host) : host_(host), lines_(lines_of(host.fingerprint())) {}

  // Somebody else's change.
  void edit(const v1::SimChange& change);
  // What the host does by itself.
  void advance(Duration time);
  // Lines that the service has changed.
  Lines changed() const { return changed_lines(lines_, lines_of(host_.fingerprint())); }

 private:
  template <class Doing>
  void follow(Doing doing);

  sim::SimHost& host_;
  Lines lines_;
};

}  // namespace rdpmend::test
