// What the numbers mean that a Remote Desktop client shows when it was disconnected, and what they do not mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/knowledge.pb.h"

namespace rdpmend {

// "0x904" or "2308": hexadecimal only with 0x, as everywhere else in this product.
Result<std::uint32_t> parse_code(std::string_view text);

// Always answers; Explanation.knowledge says how much of the answer is knowledge.
v1::Explanation explain(std::uint32_t code, std::optional<std::uint32_t> extended = std::nullopt);

// The data file that is compiled in.
const v1::KnowledgeFile& knowledge();

}  // namespace rdpmend
