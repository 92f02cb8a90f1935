// Events for the tests of the doubles.
#pragma once

#include <cstdint>
#include <string>

#include "tests/wine/lab/channel_store.hpp"
#include "tests/wine/lab/event_fields.hpp"

namespace rdpmend::lab {

inline std::string event_xml(const std::string& channel, const std::string& provider, std::uint32_t id) {
  return "<Event xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\"><System><Provider Name=\"" + provider +
         "\"/><EventID Qualifiers=\"49152\">" + std::to_string(id) +
         "</EventID><Level>2</Level><TimeCreated SystemTime=\"" + format_system_time(file_time_now()) +
         "\"/><EventRecordID>0</EventRecordID><Channel>" + channel + "</Channel></System><EventData/></Event>";
}

}  // namespace rdpmend::lab
