// What the numbers mean that a Remote Desktop client shows when it was disconnected, and what they do not mean; and
// numbers that Windows' events print.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/knowledge.pb.h"

namespace rdpmend {

// "0x904" or "2308": hexadecimal only with 0x, as everywhere else in this product. Negative decimals as events print
// HRESULTs, "-2146893043".
Result<std::uint32_t> parse_code(std::string_view text);

// Always answers; Explanation.knowledge says how much of the answer is knowledge.
v1::Explanation explain(std::uint32_t code, std::optional<std::uint32_t> extended = std::nullopt);

// "%%1326", as an event refers to a text: a status of Windows or an audit text, never a disconnect reason.
v1::Explanation explain_event_text(std::uint32_t number);

// As people copy them from a client or an event. `extended` may be empty.
Result<v1::Explanation> explain_text(std::string_view code, std::string_view extended);

// The data file that is compiled in.
const v1::KnowledgeFile& knowledge();

}  // namespace rdpmend
