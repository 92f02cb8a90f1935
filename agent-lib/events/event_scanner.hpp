// Finds Event elements in a stream of XML text without parsing it: only where an event begins and ends matters here.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "agent-lib/events/event_file.hpp"

namespace rdpmend {

class EventScanner {
 public:
  // Appends more UTF-8 text to the string; false at the end of the file.
  using Source = std::function<bool(std::string&)>;

  // `start` is where the text begins in the file, `bytes_per_unit` 2 if the file is UTF-16.
  EventScanner(Source source, FilePosition start, std::size_t bytes_per_unit, const EventFileSink& sink);
  void run();

  std::uint64_t events() const { return events_; }
  bool saw_markup() const { return saw_markup_; }

 private:
  struct Begin {
    std::size_t at = 0;  // In text_.
    FilePosition where;
  };

  bool fill();
  void forget_before(std::size_t index);
  bool look_ahead(std::size_t bytes);
  bool skip_past(std::string_view end);
  FilePosition position_at(std::size_t index);

  bool find_markup();
  void read_markup();
  void skip_section(std::string_view what, std::string_view begin, std::string_view end);
  void read_tag();
  std::string_view tag_name();
  bool finish_tag();
  void open_event();
  void close_event();
  void begin_event(Begin begin);
  void end_event();
  void finish();

  Source source_;
  const EventFileSink& sink_;
  std::size_t bytes_per_unit_;

  std::string text_;         // What is not forgotten yet.
  std::size_t at_ = 0;       // Everything before it is read.
  std::size_t counted_ = 0;  // position_ is the place of text_[counted_].
  FilePosition position_;

  std::size_t depth_ = 0;       // Open elements called Event; a field of an event may have that name too.
  std::optional<Begin> event_;  // The outermost of them; its text is kept as long as it is within the bound.
  bool too_large_ = false;
  std::optional<Begin> inner_;          // An Event inside an event, while its first child is not known.
  std::optional<FileProblem> cut_off_;  // A comment or the like that the file ended in.
  std::uint64_t events_ = 0;
  bool saw_markup_ = false;
};

}  // namespace rdpmend
