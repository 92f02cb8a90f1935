#include "tests/wine/wevtapi/bookmark.hpp"

#include <charconv>

#include "tests/wine/lab/event_fields.hpp"

namespace rdpmend::lab {

namespace {

std::optional<std::string> attribute(std::string_view xml, std::string_view name) {
  const auto at = xml.find(" " + std::string(name) + "=");
  if (at == std::string_view::npos) return std::nullopt;
  const auto quote = at + name.size() + 2;
  if (quote >= xml.size()) return std::nullopt;
  const auto end = xml.find(xml[quote], quote + 1);
  if (end == std::string_view::npos) return std::nullopt;
  return unescape_xml(xml.substr(quote + 1, end - quote - 1));
}

}  // namespace

std::optional<Bookmark> Bookmark::parse(std::string_view xml) {
  if (xml.find("<BookmarkList") == std::string_view::npos) return std::nullopt;
  const auto element = xml.find("<Bookmark ");
  if (element == std::string_view::npos) return Bookmark{};
  const auto channel = attribute(xml.substr(element), "Channel");
  const auto record = attribute(xml.substr(element), "RecordId");
  if (!channel || !record) return std::nullopt;
  Bookmark bookmark{*channel, 0};
  const auto* end = record->data() + record->size();
  if (std::from_chars(record->data(), end, bookmark.record_id).ptr != end) return std::nullopt;
  return bookmark;
}

std::string Bookmark::text() const {
  if (channel.empty()) return "<BookmarkList>\r\n</BookmarkList>";
  return "<BookmarkList>\r\n  <Bookmark Channel='" + channel + "' RecordId='" + std::to_string(record_id) +
         "' IsCurrent='true'/>\r\n</BookmarkList>";
}

}  // namespace rdpmend::lab
