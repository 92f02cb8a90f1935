// What is checked of every request before it goes anywhere, and the bounds of what is answered.
#pragma once

#include <cstdint>
#include <string>

#include "agent-lib/rules/catalogue.hpp"
#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/agent.pb.h"

namespace rdpmend {

// A client's default limit for one message is 4 MiB; pages end before that.
inline constexpr std::size_t k_max_page_bytes = 2 << 20;

// 0 means the default; more than the most is the most.
std::size_t page_size(std::uint32_t asked, std::size_t if_not_asked, std::size_t most);

// The token of ListIncidents: the id of the last incident of the page before. Empty: from the newest.
Result<std::uint64_t> parse_page_token(const std::string& token);

Status check_incident_id(std::uint64_t id);
// Chosen by the client: 1 to 64 printable ASCII characters.
Status check_request_id(const std::string& id);
// A command: an incident, a request id, a comment of at most 1000 bytes, and a verb that this version knows.
Status check_act(const v1::ActRequest& request);
// What is lent and for how long is the engine's to judge; a reason of at most 1000 bytes is a must.
Status check_lend(const v1::LendRequest& request);
Status check_give_back(const v1::GiveBackRequest& request);
Status check_fault_id(const std::string& id, const Catalogue& catalogue);
// A place in the journal that a reader continues from.
Status check_cursor(std::uint64_t after_seq, std::uint64_t newest_seq);

}  // namespace rdpmend
