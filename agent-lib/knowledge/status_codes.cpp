// Looks numbers up in status_codes.textproto, also where one kind of number is wrapped in another.
#include "agent-lib/knowledge/status_codes.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace rdpmend {

namespace embedded {
const std::vector<std::string_view>& status_files();
}

namespace {

const v1::StatusCode* find(std::uint32_t code, bool audit_text) {
  const auto& all = status_codes().statuses();
  const auto found = std::find_if(all.begin(), all.end(), [&](const v1::StatusCode& one) {
    return one.code() == code && (one.kind() == v1::StatusCode::KIND_AUDIT_TEXT) == audit_text;
  });
  return found == all.end() ? nullptr : &*found;
}

// HRESULT_FROM_WIN32 and HRESULT_FROM_NT, backwards: MS-ERREF 2.1.
std::uint32_t unwrapped(std::uint32_t code) {
  constexpr std::uint32_t k_facility_nt = 0x10000000;
  if ((code & 0xFFFF0000U) == 0x80070000U) return code & 0xFFFFU;
  if ((code & 0xF0000000U) == 0xD0000000U) return code & ~k_facility_nt;
  return code;
}

}  // namespace

const v1::StatusCode* find_status(std::uint32_t code) {
  const auto* exact = find(code, false);
  return exact != nullptr ? exact : find(unwrapped(code), false);
}

const v1::StatusCode* find_event_text(std::uint32_t number) {
  const auto* text = find(number, true);
  return text != nullptr ? text : find_status(number);
}

const v1::StatusCodeFile& status_codes() {
  static const v1::StatusCodeFile k_codes = [] {
    v1::StatusCodeFile all;
    for (const auto file : embedded::status_files()) all.MergeFromString(std::string{file});
    return all;
  }();
  return k_codes;
}

}  // namespace rdpmend
