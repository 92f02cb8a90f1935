#include "agent-lib/events/event_file.hpp"

#include <fmt/format.h>

#include <fstream>
#include <istream>
#include <optional>
#include <utility>

#include "agent-lib/events/event_scanner.hpp"
#include "agent-lib/support/utf8.hpp"

namespace rdpmend {

namespace {

constexpr std::size_t k_chunk_bytes = 64 * 1024;
constexpr auto k_export_hint = "Export a log with: wevtutil qe System /f:xml > system.xml";

struct Encoding {
  bool utf16 = false;
  bool big_endian = false;
  std::size_t mark_bytes = 0;  // Of the byte order mark.
};

// By the byte order mark, else by the first character, which is '<' or white space.
Encoding detect(std::string_view head) {
  if (head.starts_with("\xEF\xBB\xBF")) return {false, false, 3};
  if (head.starts_with("\xFF\xFE")) return {true, false, 2};
  if (head.starts_with("\xFE\xFF")) return {true, true, 2};
  if (head.size() >= 2 && head[0] != '\0' && head[1] == '\0') return {true, false, 0};
  if (head.size() >= 2 && head[0] == '\0' && head[1] != '\0') return {true, true, 0};
  return {};
}

// Reads the file in chunks and hands them on as UTF-8.
class TextSource {
 public:
  explicit TextSource(std::istream& in) : in_(in) {
    read();
    encoding_ = detect(chunk_);
    if (encoding_.utf16) decoder_.emplace(encoding_.big_endian);
  }

  // The first chunk, as it stands in the file.
  std::string_view head() const { return chunk_; }
  const Encoding& encoding() const { return encoding_; }
  std::uint64_t bytes() const { return bytes_; }

  bool more(std::string& text) {
    if (chunk_.empty()) return false;
    auto fresh = std::string_view(chunk_);
    if (std::exchange(first_, false)) fresh.remove_prefix(encoding_.mark_bytes);
    if (decoder_) {
      decoder_->append(fresh, text);
    } else {
      text.append(fresh);
    }
    read();
    if (chunk_.empty() && decoder_) decoder_->finish(text);
    return true;
  }

 private:
  void read() {
    chunk_.resize(k_chunk_bytes);
    in_.read(chunk_.data(), static_cast<std::streamsize>(chunk_.size()));
    chunk_.resize(static_cast<std::size_t>(in_.gcount()));
    bytes_ += chunk_.size();
  }

  std::istream& in_;
  std::string chunk_;  // The next one to hand on.
  bool first_ = true;
  Encoding encoding_;
  std::optional<Utf16Decoder> decoder_;
  std::uint64_t bytes_ = 0;
};

// Nothing but white space and a byte order mark, in any encoding: the export of an empty log.
bool is_blank(std::string_view head) {
  constexpr std::string_view k_blank("\0 \t\r\n\xEF\xBB\xBF\xFE\xFF", 10);
  return head.find_first_not_of(k_blank) == std::string_view::npos;
}

}  // namespace

Result<EventFileTotals> read_events(std::istream& in, const EventFileSink& sink) {
  TextSource source(in);
  const std::string head(source.head().substr(0, 64));
  if (head.starts_with(std::string_view("ElfFile\0", 8))) {
    return fail(ErrorCode::invalid_argument, "it is a binary event log (.evtx), not XML",
                "Export it with: wevtutil qe FILE.evtx /lf:true /f:xml > file.xml");
  }
  const auto& encoding = source.encoding();
  EventScanner scanner([&](std::string& text) { return source.more(text); }, {1, encoding.mark_bytes},
                       encoding.utf16 ? 2 : 1, sink);
  scanner.run();
  if (in.bad()) {
    return fail(ErrorCode::unavailable, fmt::format("reading failed after {} bytes", source.bytes()),
                "Check the disk or the share, and try again");
  }
  if (!scanner.saw_markup() && !is_blank(head)) {
    return fail(ErrorCode::invalid_argument, "it is not XML: there is no Event element in it", k_export_hint);
  }
  return EventFileTotals{source.bytes(), scanner.events()};
}

Result<EventFileTotals> read_event_file(const std::filesystem::path& path, const EventFileSink& sink) {
  const auto doing = fmt::format("cannot read {}", to_utf8(path));
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    return fail(ErrorCode::not_found, doing + ": there is no such file", k_export_hint);
  }
  if (std::filesystem::is_directory(path, ignored)) {
    return fail(ErrorCode::invalid_argument, doing + ": it is a folder", k_export_hint);
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::denied, doing + ": access is denied", "Run it as somebody who may read the file");
  auto totals = read_events(in, sink);
  if (!totals) return fail(std::move(totals).error().context(doing));
  return totals;
}

}  // namespace rdpmend
