#include "agent-lib/events/event_xml.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace rdpmend::fuzz {

std::vector<std::string> seed_corpus() {
  return {
      // EventData with names.
      R"(<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><Provider Name="Schannel" Guid="{1f678132-5938-4686-9fdc-c8ff68f15c85}"/>)"
      R"(<EventID>36870</EventID><Level>2</Level><TimeCreated SystemTime="2026-01-02T03:04:05.1234567Z"/><EventRecordID>42</EventRecordID>)"
      R"(<Correlation ActivityID="{AB}"/><Execution ProcessID="7" ThreadID="8"/><Channel>System</Channel><Computer>h</Computer></System>)"
      R"(<EventData><Data Name="Type">server</Data><Data Name="ErrorCode">0x8009030D</Data></EventData></Event>)",
      // Classic: unnamed data and a binary.
      R"(<Event><System><Provider Name="TermService"/><EventID Qualifiers="49152">1057</EventID><Channel>System</Channel></System>)"
      R"(<EventData><Data>%%2148073494</Data><Data/><Binary>0A0B</Binary></EventData></Event>)",
      // UserData in a namespace of its own, entities and CDATA.
      R"(<?xml version="1.0" encoding="utf-8"?><e:Event xmlns:e="x"><e:System><e:EventID>40</e:EventID></e:System><e:UserData>)"
      R"(<EventXML xmlns="Event_NS"><Session>2</Session><Reason>&lt;12&#x20;&amp;</Reason><Text><![CDATA[a<b]]></Text></EventXML></e:UserData></e:Event>)",
      // What must not be followed.
      R"(<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><Event><System><EventID>&c;</EventID></System></Event>)",
      "\xEF\xBB\xBF<Event/>",
  };
}

void check_event(std::string_view xml) {
  const auto event = parse_event(xml);
  if (!event) {
    require(!event.error().what.empty(), "a refusal says why");
    require(event.error().code == ErrorCode::invalid_argument || event.error().code == ErrorCode::exhausted,
            "a refusal is the input's fault");
    return;
  }
  std::size_t unnamed = 0;
  for (const auto& field : event->fields) {
    if (field.name.empty()) {
      require(event->positional(++unnamed).has_value(), "an unnamed field is found by its position");
    } else {
      require(event->named(field.name).has_value(), "a named field is found by its name");
    }
  }
  require(!event->positional(unnamed + 1).has_value(), "nothing is found beyond the last unnamed field");
}

}  // namespace rdpmend::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  rdpmend::fuzz::check_event({reinterpret_cast<const char*>(data), size});
  return 0;
}
