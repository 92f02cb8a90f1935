// Proves that the stored entries are the ones that were written: numbers without gaps, each hash over the one before
// and the bytes of the entry, each entry filed as it says.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "agent-lib/support/result.hpp"
#include "service/store/sqlite.hpp"

namespace rdpmend {

// Checks the newest `at_most` entries, one by one in memory, and what the oldest kept entry is anchored at if it is
// among them. The answer says where the chain breaks first, and how; empty: it holds. An error: it could not be read,
// or `stop`.
Result<std::string> check_chain(sqlite::Database& database, std::uint64_t at_most, const std::stop_token& stop = {});

}  // namespace rdpmend
