#include "agent-lib/host/event_channels.hpp"

#include <fmt/format.h>

#include <charconv>

namespace rdpmend {

std::string bookmark_after(std::string_view channel, std::uint64_t record) {
  // Names of channels have no < and no &:
  // https://learn.microsoft.com/windows/win32/wes/eventmanifestschema-channeltype-complextype
  std::string name;
  for (const char c : channel) name += c == '\'' ? std::string("&apos;") : std::string(1, c);
  return fmt::format("<BookmarkList>\r\n  <Bookmark Channel='{}' RecordId='{}' IsCurrent='true'/>\r\n</BookmarkList>",
                     name, record);
}

std::optional<std::uint64_t> bookmarked_record(std::string_view bookmark) {
  constexpr std::string_view k_attribute = "RecordId=";
  const auto at = bookmark.find(k_attribute);
  if (at == std::string_view::npos || at + k_attribute.size() + 1 >= bookmark.size()) return std::nullopt;
  const auto quoted = bookmark.substr(at + k_attribute.size() + 1);
  std::uint64_t record = 0;
  const auto [end, error] = std::from_chars(quoted.data(), quoted.data() + quoted.size(), record);
  if (error != std::errc()) return std::nullopt;
  return record;
}

bool misses_records(const ChannelRecords& now, std::uint64_t bookmarked) {
  if (now.count == 0) return bookmarked != 0;
  return now.oldest > bookmarked + 1 || now.newest() < bookmarked;
}

}  // namespace rdpmend
