// A bookmark as text: <BookmarkList><Bookmark Channel='System' RecordId='17' IsCurrent='true'/></BookmarkList>.
// https://learn.microsoft.com/windows/win32/wes/bookmarking-events
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rdpmend::lab {

struct Bookmark {
  std::string channel;  // Empty: it marks nothing yet.
  std::uint64_t record_id = 0;

  static std::optional<Bookmark> parse(std::string_view xml);
  std::string text() const;
};

}  // namespace rdpmend::lab
