#include "agent-lib/events/event_scanner.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "agent-lib/events/event_xml.hpp"

namespace rdpmend {

namespace {

constexpr std::size_t k_max_name_bytes = 256;
constexpr std::string_view k_name_ends = " \t\r\n/><";

}  // namespace

EventScanner::EventScanner(Source source, FilePosition start, std::size_t bytes_per_unit, const EventFileSink& sink)
    : source_(std::move(source)), sink_(sink), bytes_per_unit_(bytes_per_unit), position_(start) {}

void EventScanner::run() {
  while (find_markup()) read_markup();
  finish();
}

// --- text ---

bool EventScanner::fill() {
  if (event_ && !too_large_ && at_ - event_->at > k_max_event_xml_bytes) too_large_ = true;
  if (inner_ && at_ - inner_->at > k_max_event_xml_bytes) inner_.reset();
  auto keep = at_;
  if (inner_) keep = std::min(keep, inner_->at);
  if (event_ && !too_large_) keep = std::min(keep, event_->at);
  forget_before(keep);
  return source_(text_);
}

void EventScanner::forget_before(std::size_t index) {
  if (counted_ < index) position_at(index);
  text_.erase(0, index);
  at_ -= index;
  counted_ -= index;
  if (inner_) inner_->at -= index;
  if (event_ && !too_large_) event_->at -= index;
}

// True if at least this much text follows at_.
bool EventScanner::look_ahead(std::size_t bytes) {
  while (text_.size() - at_ < bytes) {
    if (!fill()) return false;
  }
  return true;
}

bool EventScanner::skip_past(std::string_view end) {
  for (;;) {
    const auto found = text_.find(end, at_);
    if (found != std::string::npos) {
      at_ = found + end.size();
      return true;
    }
    // The end may begin in what is here and go on in what comes.
    if (text_.size() - at_ >= end.size()) at_ = text_.size() - end.size() + 1;
    if (!fill()) {
      at_ = text_.size();
      return false;
    }
  }
}

// Forward only: what was counted is not counted again.
FilePosition EventScanner::position_at(std::size_t index) {
  const auto passed = std::string_view(text_).substr(counted_, index - counted_);
  counted_ = index;
  position_.line += static_cast<std::uint64_t>(std::count(passed.begin(), passed.end(), '\n'));
  if (bytes_per_unit_ == 1) {
    position_.offset += passed.size();
    return position_;
  }
  for (const char c : passed) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) != 0x80) position_.offset += byte >= 0xF0 ? 4 : 2;  // A surrogate pair, or one unit.
  }
  return position_;
}

// --- markup ---

bool EventScanner::find_markup() {
  do {
    at_ = std::min(text_.find('<', at_), text_.size());
    if (at_ < text_.size()) {
      saw_markup_ = true;
      return true;
    }
  } while (fill());
  return false;
}

void EventScanner::read_markup() {
  constexpr std::string_view k_cdata = "<![CDATA[";
  look_ahead(k_cdata.size());
  const auto rest = std::string_view(text_).substr(at_);
  if (rest.starts_with("<!--")) {
    skip_section("comment", "<!--", "-->");
  } else if (rest.starts_with(k_cdata)) {
    skip_section("CDATA section", k_cdata, "]]>");
  } else if (rest.starts_with("<?")) {
    skip_section("processing instruction", "<?", "?>");
  } else if (rest.starts_with("<!")) {
    at_ += 2;  // A DTD has no business here: it is walked over like text.
  } else {
    read_tag();
  }
}

void EventScanner::skip_section(std::string_view what, std::string_view begin, std::string_view end) {
  const auto where = position_at(at_);
  at_ += begin.size();
  if (!skip_past(end)) cut_off_ = FileProblem{where, fmt::format("the file ends inside a {}", what)};
}

void EventScanner::read_tag() {
  const bool closing = look_ahead(2) && text_[at_ + 1] == '/';
  const auto name = tag_name();
  if (name == "Event") {
    return closing ? close_event() : open_event();
  }
  // Every event begins with System: an Event that does is one, wherever it stands. So the one around it has no end.
  if (inner_ && !closing && name == "System") {
    sink_.problem({event_->where, "the event has no end; reading went on with the next one"});
    begin_event(*inner_);
  }
  inner_.reset();
  ++at_;
}

// Local name of the tag at at_. A name longer than any real one is cut.
std::string_view EventScanner::tag_name() {
  std::size_t end = std::string::npos;
  for (std::size_t want = 64; end == std::string::npos; want *= 2) {
    const bool more = look_ahead(want) && want < k_max_name_bytes;
    end = text_.find_first_of(k_name_ends, at_ + 2);
    if (!more) end = std::min(end, text_.size());
  }
  auto name = std::string_view(text_).substr(at_, end - at_);
  name.remove_prefix(std::min<std::size_t>(name.starts_with("</") ? 2 : 1, name.size()));
  const auto colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

// Moves behind the tag at at_; true if it closes itself. A '<' ends it too: it cannot stand in an attribute's value, so
// that one missing quote costs one event and not the rest of the file.
bool EventScanner::finish_tag() {
  char quote = '\0';
  char previous = '\0';
  for (++at_; at_ < text_.size() || fill(); ++at_) {
    const char c = text_[at_];
    if (c == '<') return false;
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '>') {
      ++at_;
      return previous == '/';
    }
    previous = c;
  }
  return false;
}

// --- events ---

void EventScanner::open_event() {
  const Begin begin{at_, position_at(at_)};
  if (depth_ == 0) {
    begin_event(begin);
  } else {
    ++depth_;
    inner_ = begin;
  }
  if (finish_tag()) end_event();
}

void EventScanner::begin_event(Begin begin) {
  ++events_;
  depth_ = 1;
  event_ = begin;
  too_large_ = false;
}

void EventScanner::close_event() {
  finish_tag();
  if (depth_ > 0) end_event();
}

void EventScanner::end_event() {
  inner_.reset();
  if (--depth_ > 0) return;
  if (too_large_ || at_ - event_->at > k_max_event_xml_bytes) {
    sink_.problem(
        {event_->where, fmt::format("the event is larger than {} bytes and was skipped", k_max_event_xml_bytes)});
  } else {
    sink_.event(std::string_view(text_).substr(event_->at, at_ - event_->at), event_->where);
  }
  event_.reset();
  too_large_ = false;
}

void EventScanner::finish() {
  if (event_) {
    sink_.problem({event_->where, "the file ends inside this event: was the export cut off?"});
  } else if (cut_off_) {
    sink_.problem(*cut_off_);
  }
}

}  // namespace rdpmend
