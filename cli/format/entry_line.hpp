// A journal entry as a line for people.
#pragma once

#include <cstdint>
#include <string>

#include "cli/format/page.hpp"
#include "rdpmend/v1/journal.pb.h"

namespace rdpmend::cli {

struct EntryLine {
  std::string text;
  Style style = Style::plain;
};

// Entries of one journal in order. What an entry says is in the entry; remembered is only what was said last, so that
// it is not said twice.
class EntryNarrator {
 public:
  EntryLine tell(const v1::JournalEntry& entry);
  // "12:01:05  #42  incident 40  step 3 done: restart service SessionEnv"; the date on a line of its own when it
  // changes.
  void print(Page& page, const v1::JournalEntry& entry);

 private:
  std::string because(const std::string& reason);
  EntryLine plan_made(const v1::Plan& plan);
  EntryLine verified(const v1::Verdict& verdict);
  EntryLine repair_ended(const v1::RepairEnded& body);
  EntryLine state_changed(const v1::IncidentStateChanged& body);

  std::string last_reason_;
  std::uint64_t last_incident_ = 0;
  std::string date_;
};

}  // namespace rdpmend::cli
