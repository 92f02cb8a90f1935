#include "agent-lib/events/event_xml.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <pugixml.hpp>

#include "agent-lib/events/ascii.hpp"
#include "agent-lib/support/utf8.hpp"

namespace rdpmend {

namespace {

// The text that an event keeps; comments and processing instructions are dropped, DTDs are never read. A value that is
// only white space counts as long as it is alone in its element.
constexpr unsigned k_parse_flags =
    pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol | pugi::parse_ws_pcdata_single | pugi::parse_embed_pcdata;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Whatever the prefix: UserData's wrapper has a namespace of its own, and collectors prefix the event's.
std::string_view local_name(std::string_view name) {
  const auto colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

std::string_view local_name(pugi::xml_node node) {
  return local_name(std::string_view(node.name()));
}

bool is_element(pugi::xml_node node) {
  return node.type() == pugi::node_element;
}

std::string_view attribute(pugi::xml_node node, std::string_view name) {
  for (const auto attribute : node.attributes()) {
    if (local_name(std::string_view(attribute.name())) == name) return attribute.value();
  }
  return {};
}

// All text below a node, whatever elements it is wrapped in. False: nested too deep.
bool append_text(pugi::xml_node node, std::string& out, std::size_t depth) {
  if (depth > k_max_event_depth) return false;
  out += node.value();
  for (const auto child : node.children()) {
    if (!append_text(child, out, depth + 1)) return false;
  }
  return true;
}

// The usual value is one piece of text, which the parser keeps in the element itself.
bool read_text(pugi::xml_node node, std::string& out) {
  if (!node.first_child()) {
    out = to_valid_utf8(node.value());
    return true;
  }
  std::string text;
  if (!append_text(node, text, 0)) return false;
  out = to_valid_utf8(text);
  return true;
}

template <class T>
std::optional<T> read_number(std::string_view text) {
  text = trim(text);
  const bool hex = starts_with_ignoring_case(text, "0x");
  if (hex) text.remove_prefix(2);
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

auto not_an_event(std::string why) {
  return fail(ErrorCode::invalid_argument, fmt::format("not a Windows event: {}", why));
}

auto beyond(std::string_view what, std::size_t bound) {
  return fail(ErrorCode::exhausted, fmt::format("the event has more than {} {}", bound, what));
}

Status read_event_id(pugi::xml_node node, EventRecord& record) {
  const auto id = read_number<std::uint32_t>(node.child_value());
  if (!id) return not_an_event(fmt::format("EventID \"{}\" is not a number", to_valid_utf8(node.child_value())));
  // Classic ids are the low word of a message id such as 0xC0000421; some writers print the whole.
  record.event_id = *id > 0xFFFF ? *id & 0xFFFF : *id;
  return {};
}

Status read_system(pugi::xml_node system, EventRecord& record) {
  bool has_id = false;
  for (const auto node : system.children()) {
    const auto name = local_name(node);
    if (name == "Provider") {
      record.provider = to_valid_utf8(trim(attribute(node, "Name")));
    } else if (name == "EventID") {
      if (auto read = read_event_id(node, record); !read) return read;
      has_id = true;
    } else if (name == "Level") {
      record.level = read_number<std::uint32_t>(node.child_value()).value_or(0);
    } else if (name == "TimeCreated") {
      record.time = parse_iso8601(trim(attribute(node, "SystemTime")));
    } else if (name == "EventRecordID") {
      record.record_id = read_number<std::uint64_t>(node.child_value()).value_or(0);
    } else if (name == "Correlation") {
      record.activity_id = to_valid_utf8(attribute(node, "ActivityID"));
    } else if (name == "Execution") {
      record.process_id = read_number<std::uint32_t>(attribute(node, "ProcessID")).value_or(0);
    } else if (name == "Channel") {
      record.channel = to_valid_utf8(trim(node.child_value()));
    } else if (name == "Computer") {
      record.computer = to_valid_utf8(trim(node.child_value()));
    }
  }
  if (record.provider.empty()) return not_an_event("System/Provider has no Name");
  if (!has_id) return not_an_event("System has no EventID");
  return {};
}

Status add_field(pugi::xml_node node, std::string_view name, EventRecord& record) {
  if (record.fields.size() == k_max_event_fields) return beyond("fields", k_max_event_fields);
  auto& field = record.fields.emplace_back();
  field.name = to_valid_utf8(name);
  if (!read_text(node, field.value)) return beyond("nested levels", k_max_event_depth);
  return {};
}

// Upper-case hex, or nothing if it is anything else.
std::string read_binary(pugi::xml_node node) {
  std::string hex(trim(node.child_value()));
  for (char& c : hex) {
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
    if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'))) return {};
  }
  return hex;
}

Status read_event_data(pugi::xml_node data, EventRecord& record) {
  for (const auto node : data.children()) {
    if (!is_element(node)) continue;
    const auto name = local_name(node);
    if (name == "Binary") {
      if (record.binary.empty()) record.binary = read_binary(node);
      continue;
    }
    const bool is_data = name == "Data" || name == "ComplexData";
    if (auto added = add_field(node, is_data ? attribute(node, "Name") : name, record); !added) return added;
  }
  return {};
}

bool has_child_element(pugi::xml_node node) {
  for (const auto child : node.children()) {
    if (is_element(child)) return true;
  }
  return false;
}

// UserData holds one wrapper of any name and shape: its leaves are the fields.
Status read_user_data(pugi::xml_node parent, EventRecord& record, std::size_t depth) {
  if (depth > k_max_event_depth) return beyond("nested levels", k_max_event_depth);
  for (const auto node : parent.children()) {
    if (!is_element(node)) continue;
    if (has_child_element(node)) {
      if (auto read = read_user_data(node, record, depth + 1); !read) return read;
      continue;
    }
    // A wrapper without content, such as LogFileCleared, is no field.
    if (depth == 0 && *node.child_value() == '\0') continue;
    const auto name = local_name(node);
    const auto given = name == "Data" ? attribute(node, "Name") : std::string_view{};
    if (auto added = add_field(node, given.empty() ? name : given, record); !added) return added;
  }
  return {};
}

Result<pugi::xml_node> find_event(const pugi::xml_document& document) {
  pugi::xml_node event;
  for (const auto node : document.children()) {
    if (!is_element(node)) continue;
    if (event) return not_an_event("more than one element");
    event = node;
  }
  if (local_name(event) != "Event") {
    return not_an_event(fmt::format("the element is called \"{}\"", to_valid_utf8(event.name())));
  }
  return event;
}

Result<EventRecord> read_event(pugi::xml_node event) {
  EventRecord record;
  bool has_system = false;
  // RenderingInfo is text in the language of whoever exported it: never read.
  for (const auto node : event.children()) {
    const auto name = local_name(node);
    Status read;
    if (name == "System" && !has_system) {
      has_system = true;
      read = read_system(node, record);
    } else if (name == "EventData") {
      read = read_event_data(node, record);
    } else if (name == "UserData") {
      read = read_user_data(node, record, 0);
    }
    if (!read) return fail(std::move(read).error());
  }
  if (!has_system) return not_an_event("it has no System element");
  return record;
}

}  // namespace

Result<EventRecord> parse_event(std::string_view xml) {
  if (xml.size() > k_max_event_xml_bytes) return beyond("bytes of XML", k_max_event_xml_bytes);
  if (const auto nul = xml.find('\0'); nul != std::string_view::npos) {
    return not_an_event(fmt::format("byte {} is NUL", nul));
  }
  std::string buffer(xml);
  pugi::xml_document document;
  const auto parsed = document.load_buffer_inplace(buffer.data(), buffer.size(), k_parse_flags, pugi::encoding_utf8);
  if (!parsed) return not_an_event(fmt::format("{} at byte {}", parsed.description(), parsed.offset));
  const auto event = find_event(document);
  if (!event) return fail(event.error());
  return read_event(*event);
}

}  // namespace rdpmend
