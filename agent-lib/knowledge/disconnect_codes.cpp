// Looks codes up in disconnect_codes.textproto and decides which of several meanings is the answer.
#include "agent-lib/knowledge/disconnect_codes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <string>
#include <vector>

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

const v1::DisconnectReason* find_reason(std::uint32_t code) {
  return find(knowledge().reasons(), [&](const auto& reason) { return reason.code() == code; });
}

const v1::ExtendedReason* find_extended(std::uint32_t code) {
  // A single code is a better answer than a range that holds it.
  if (const auto* single = find(knowledge().extended(),
                                [&](const auto& reason) { return reason.last_code() == 0 && reason.code() == code; }))
    return single;
  return find(knowledge().extended(),
              [&](const auto& reason) { return reason.code() <= code && code <= reason.last_code(); });
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
  meaning.set_title("Not a documented disconnect reason");
  meaning.set_failure(true);
  meaning.set_says("Nothing is known of this number, so it points to no cause and to no stage.");
  if (const auto hex = known_if_meant_as_hex(code)) {
    meaning.add_look_at(fmt::format("0x{:X} is known: write hexadecimal numbers with 0x", *hex));
  }
  meaning.add_look_at("The host's own diagnosis: rdpmend diagnose");
  meaning.add_look_at("How far a connection comes: rdpmend probe HOST");
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
  for (const auto& source : knowledge().sources()) {
    if (used.contains(source.key())) *out.add_sources() = source;
  }
}

}  // namespace

Result<std::uint32_t> parse_code(std::string_view text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  const auto digits = hex ? text.substr(2) : text;
  std::uint32_t code = 0;
  const auto* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, code, hex ? 16 : 10);
  if (error == std::errc{} && stop == end) return code;
  return fail(ErrorCode::invalid_argument, fmt::format("'{}' is not a disconnect code", text),
              "Write it as the client shows it, 0x904, or in decimal, 2308");
}

v1::Explanation explain(std::uint32_t code, std::optional<std::uint32_t> extended) {
  v1::Explanation out;
  out.set_code(code);
  if (const auto* reason = find_reason(code)) *out.mutable_reason() = *reason;
  if (extended) {
    out.set_extended(*extended);
    if (const auto* reason = find_extended(*extended)) *out.mutable_extended_reason() = *reason;
  }
  choose_meaning(out);
  add_sources(out);
  return out;
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
