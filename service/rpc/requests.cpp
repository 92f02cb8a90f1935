#include "service/rpc/requests.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <vector>

namespace rdpmend {

namespace {
constexpr std::size_t k_max_id_bytes = 64;
constexpr std::size_t k_max_comment_bytes = 1000;

bool printable(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

Status check_comment(const std::string& comment) {
  if (comment.size() <= k_max_comment_bytes) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("comment has {} bytes; at most {} are kept", comment.size(), k_max_comment_bytes),
              "Shorten it.");
}

Status check_plan_id(const std::string& id) {
  if (id.size() <= k_max_id_bytes && printable(id)) return {};
  return fail(ErrorCode::invalid_argument, "plan_id is not the id of a plan",
              "Take it from the incident's plan, for example 7/1, or leave it empty.");
}

}  // namespace

std::size_t page_size(std::uint32_t asked, std::size_t if_not_asked, std::size_t most) {
  return asked == 0 ? if_not_asked : std::min<std::size_t>(asked, most);
}

Result<std::uint64_t> parse_page_token(const std::string& token) {
  if (token.empty()) return std::numeric_limits<std::uint64_t>::max();
  std::uint64_t id = 0;
  const auto* last = token.data() + token.size();
  const auto [end, error] = std::from_chars(token.data(), last, id);
  if (error == std::errc{} && end == last) return id;
  return fail(ErrorCode::invalid_argument, "page_token is not one that this service gave",
              "Leave it empty to begin with the first page.");
}

Status check_incident_id(std::uint64_t id) {
  if (id != 0) return {};
  return fail(ErrorCode::invalid_argument, "incident_id is missing", "'rdpmend incidents' lists them.");
}

Status check_request_id(const std::string& id) {
  if (!id.empty() && id.size() <= k_max_id_bytes && printable(id)) return {};
  return fail(ErrorCode::invalid_argument, "request_id must be 1 to 64 printable ASCII characters without spaces",
              "Choose a new one for each command, for example a UUID, and keep it when you try again.");
}

Status check_act(const v1::ActRequest& request) {
  if (const auto valid = check_incident_id(request.incident_id()); !valid) return valid;
  if (const auto valid = check_request_id(request.request_id()); !valid) return valid;
  if (const auto valid = check_comment(request.comment()); !valid) return valid;
  if (request.verb_case() == v1::ActRequest::VERB_NOT_SET) {
    return fail(ErrorCode::invalid_argument,
                "verb is missing, or is one that this version of the service does not know",
                "Set one of those in ActRequest, or bring the service up to date.");
  }
  return check_plan_id(request.approve().plan_id());
}

Status check_lend(const v1::LendRequest& request) {
  if (const auto valid = check_request_id(request.request_id()); !valid) return valid;
  if (request.reason().find_first_not_of(" \t\r\n") == std::string::npos) {
    return fail(ErrorCode::invalid_argument, "reason is missing",
                "Say why the host's protection is relaxed: everybody who looks will read it.");
  }
  return check_comment(request.reason());
}

Status check_give_back(const v1::GiveBackRequest& request) {
  if (const auto valid = check_request_id(request.request_id()); !valid) return valid;
  return check_comment(request.comment());
}

Status check_fault_id(const std::string& id, const Catalogue& catalogue) {
  if (catalogue.find_fault(id) != nullptr) return {};
  std::vector<std::string_view> known;
  for (const auto& fault : catalogue.faults()) known.emplace_back(fault.id());
  return fail(ErrorCode::not_found, fmt::format("there is no fault \"{:.64}\"", id),
              fmt::format("Known faults: {}.", fmt::join(known, ", ")));
}

Status check_cursor(std::uint64_t after_seq, std::uint64_t newest_seq) {
  if (after_seq <= newest_seq) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("entry {} does not exist yet: the newest is {}", after_seq, newest_seq),
              "Another journal may have taken the place of the one that you know: begin again after 0.");
}

}  // namespace rdpmend
