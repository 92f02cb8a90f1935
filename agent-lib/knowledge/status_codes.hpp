// What the numbers mean that Windows' events print as a status: NTSTATUS, HRESULT, Win32 and Winsock.
#pragma once

#include <cstdint>

#include "rdpmend/v1/knowledge.pb.h"

namespace rdpmend {

// A number as an event's field has it. nullptr: nothing is known.
const v1::StatusCode* find_status(std::uint32_t code);
// A number as an event refers to a text with it, "%%1326": an audit text, or a status. nullptr: nothing is known.
const v1::StatusCode* find_event_text(std::uint32_t number);

// The data file that is compiled in.
const v1::StatusCodeFile& status_codes();

}  // namespace rdpmend
