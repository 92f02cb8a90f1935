// Looks codes up in the data files and decides which of several meanings is the answer.
#include "agent-lib/knowledge/disconnect_codes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "agent-lib/knowledge/status_codes.hpp"

namespace rdpmend {

namespace embedded {
const std::vector<std::string_view>& knowledge_files();
}

namespace {

template <class Items, class Matches>
auto find(const Items& items, Matches matches) -> decltype(&*items.begin()) {
  const auto at = std::find_if(items.begin(), items.end(), matches);
  return at == items.end() ? nullptr : &*at;
}

// A single code is a better answer than a range that holds it; of ranges the first in the file.
template <class Reasons>
auto find_in(const Reasons& reasons, std::uint32_t code) {
  const auto* single =
      find(reasons, [&](const auto& reason) { return reason.last_code() == 0 && reason.code() == code; });
  if (single != nullptr) return single;
  return find(reasons, [&](const auto& reason) { return reason.code() <= code && code <= reason.last_code(); });
}

const v1::DisconnectReason* find_reason(std::uint32_t code) {
  return find_in(knowledge().reasons(), code);
}

const v1::ExtendedReason* find_extended(std::uint32_t code) {
  return find_in(knowledge().extended(), code);
}

const v1::ReasonPair* find_pair(std::uint32_t code, std::uint32_t extended) {
  return find(knowledge().pairs(),
              [&](const auto& pair) { return pair.code() == code && pair.extended() == extended; });
}

const v1::CodeFamily* find_family(std::uint32_t code) {
  if (code < 0x100 || code > 0xFFFF) return nullptr;
  return find(knowledge().families(), [&](const auto& family) { return family.low_byte() == (code & 0xFFU); });
}

// For 904, typed in place of 0x904.
std::optional<std::uint32_t> known_if_meant_as_hex(std::uint32_t code) {
  const auto digits = std::to_string(code);
  std::uint32_t as_hex = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), as_hex, 16);
  if (error != std::errc{} || end != digits.data() + digits.size() || find_reason(as_hex) == nullptr)
    return std::nullopt;
  return as_hex;
}

v1::CodeMeaning unknown(std::uint32_t code) {
  v1::CodeMeaning meaning;
  meaning.set_title("Neither a known disconnect reason nor a known status");
  meaning.set_failure(true);
  meaning.set_says("Nothing is known of this number, so it points to no cause and to no stage.");
  if (const auto hex = known_if_meant_as_hex(code)) {
    meaning.add_look_at(fmt::format("0x{:X} is known: write hexadecimal numbers with 0x", *hex));
  }
  meaning.add_look_at("The host's own diagnosis: rdpmend diagnose");
  meaning.add_look_at("How far a connection comes: rdpmend probe HOST");
  return meaning;
}

v1::CodeMeaning unknown_event_text() {
  v1::CodeMeaning meaning;
  meaning.set_title("Not a known text of an event");
  meaning.set_failure(true);
  meaning.set_says("The event refers to a text of its log by this number. Nothing is known of it here.");
  meaning.add_look_at("The event in the Event Viewer, which shows the text");
  meaning.add_look_at("In event 4625, Status and SubStatus, which say the same as numbers");
  return meaning;
}

v1::CodeMeaning meaning_of(const v1::StatusCode& status) {
  v1::CodeMeaning meaning;
  meaning.set_title(status.title());
  meaning.set_failure(true);
  meaning.set_says(status.says());
  *meaning.mutable_look_at() = status.look_at();
  *meaning.mutable_sources() = status.sources();
  return meaning;
}

// The extended number is the host's own word about why, so it says more than the first, unless it says nothing.
void choose_meaning(v1::Explanation& out) {
  const auto* pair = out.has_extended() ? find_pair(out.code(), out.extended()) : nullptr;
  const auto* family = find_family(out.code());
  if (pair != nullptr) {
    out.set_knowledge(v1::KNOWLEDGE_PAIR);
    *out.mutable_meaning() = pair->meaning();
  } else if (out.has_extended_reason() && out.extended() != 0) {
    out.set_knowledge(v1::KNOWLEDGE_EXTENDED);
    *out.mutable_meaning() = out.extended_reason().meaning();
  } else if (out.has_reason()) {
    out.set_knowledge(v1::KNOWLEDGE_CODE);
    *out.mutable_meaning() = out.reason().meaning();
  } else if (out.has_status()) {
    out.set_knowledge(v1::KNOWLEDGE_STATUS);
    *out.mutable_meaning() = meaning_of(out.status());
  } else if (out.event_text()) {
    out.set_knowledge(v1::KNOWLEDGE_NONE);
    *out.mutable_meaning() = unknown_event_text();
  } else if (family != nullptr) {
    out.set_knowledge(v1::KNOWLEDGE_FAMILY);
    *out.mutable_meaning() = family->meaning();
  } else {
    out.set_knowledge(v1::KNOWLEDGE_NONE);
    *out.mutable_meaning() = unknown(out.code());
  }
}

void add_sources(v1::Explanation& out) {
  std::set<std::string> used;
  for (const auto* meaning : {&out.meaning(), &out.reason().meaning(), &out.extended_reason().meaning()}) {
    used.insert(meaning->sources().begin(), meaning->sources().end());
  }
  used.insert(out.status().sources().begin(), out.status().sources().end());
  std::set<std::string> added;
  for (const auto* sources : {&knowledge().sources(), &status_codes().sources()}) {
    for (const auto& source : *sources) {
      if (used.contains(source.key()) && added.insert(source.key()).second) *out.add_sources() = source;
    }
  }
}

tl::unexpected<Error> no_code(std::string_view text) {
  return fail(ErrorCode::invalid_argument, fmt::format("'{}' is not a code", text),
              "Write it as the client or the event shows it: 0x904, 2308, -2146893043 or %%1326");
}

constexpr std::string_view k_event_text = "%%";

}  // namespace

Result<std::uint32_t> parse_code(std::string_view text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  const auto digits = hex ? text.substr(2) : text;
  const auto* end = digits.data() + digits.size();
  std::int64_t code = 0;
  const auto [stop, error] = std::from_chars(digits.data(), end, code, hex ? 16 : 10);
  constexpr std::int64_t k_least = std::numeric_limits<std::int32_t>::min();
  constexpr std::int64_t k_most = std::numeric_limits<std::uint32_t>::max();
  const bool negative_hex = hex && digits.starts_with('-');
  if (error != std::errc{} || stop != end || negative_hex || code < k_least || code > k_most) return no_code(text);
  return static_cast<std::uint32_t>(code);
}

v1::Explanation explain(std::uint32_t code, std::optional<std::uint32_t> extended) {
  v1::Explanation out;
  out.set_code(code);
  if (const auto* reason = find_reason(code)) *out.mutable_reason() = *reason;
  if (const auto* status = find_status(code)) *out.mutable_status() = *status;
  if (extended) {
    out.set_extended(*extended);
    if (const auto* reason = find_extended(*extended)) *out.mutable_extended_reason() = *reason;
  }
  choose_meaning(out);
  add_sources(out);
  return out;
}

v1::Explanation explain_event_text(std::uint32_t number) {
  v1::Explanation out;
  out.set_code(number);
  out.set_event_text(true);
  if (const auto* status = find_event_text(number)) *out.mutable_status() = *status;
  choose_meaning(out);
  add_sources(out);
  return out;
}

Result<v1::Explanation> explain_text(std::string_view code, std::string_view extended) {
  const bool event_text = code.starts_with(k_event_text);
  const auto number = parse_code(event_text ? code.substr(k_event_text.size()) : code);
  if (!number) return no_code(code);
  if (event_text) return explain_event_text(*number);
  if (extended.empty()) return explain(*number);
  return parse_code(extended).map([&](std::uint32_t second) { return explain(*number, second); });
}

const v1::KnowledgeFile& knowledge() {
  static const v1::KnowledgeFile k_knowledge = [] {
    v1::KnowledgeFile all;
    for (const auto file : embedded::knowledge_files()) all.MergeFromString(std::string{file});
    return all;
  }();
  return k_knowledge;
}

}  // namespace rdpmend
