// Reads an exported Windows event log: what `wevtutil qe LOG /f:xml` writes, or any file with Event elements in it.
// One event at a time in bounded memory: whatever is wrong with one event, reading goes on with the next.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include "agent-lib/support/result.hpp"

namespace rdpmend {

struct FilePosition {
  std::uint64_t line = 1;
  std::uint64_t offset = 0;  // Bytes before it in the file, whatever its encoding.
};

struct FileProblem {
  FilePosition where;  // Where what is wrong begins.
  std::string reason;
};

struct EventFileSink {
  // One Event element in UTF-8, as it stands in the file; valid during the call. It may still be no valid event.
  std::function<void(std::string_view xml, const FilePosition&)> event;
  // An event that is lost: too large, cut off, without an end.
  std::function<void(const FileProblem&)> problem;
};

struct EventFileTotals {
  std::uint64_t bytes = 0;
  std::uint64_t events = 0;  // Event elements found, lost ones among them.
};

// UTF-8, or UTF-16 of either byte order, with or without a byte order mark; with or without a root element.
// not_found: no such file; invalid_argument: it is something else, with a hint; unavailable: reading it failed.
Result<EventFileTotals> read_event_file(const std::filesystem::path& path, const EventFileSink& sink);
Result<EventFileTotals> read_events(std::istream& in, const EventFileSink& sink);

}  // namespace rdpmend
