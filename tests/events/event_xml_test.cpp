#include "agent-lib/events/event_xml.hpp"

#include <gmock/gmock.h>

#include <random>

#include "tests/events/event_samples.hpp"

namespace rdpmend {
namespace {

using testing::HasSubstr;

// name=value, in document order.
std::vector<std::string> fields_of(const EventRecord& record) {
  std::vector<std::string> out;
  for (const auto& field : record.fields) out.push_back(field.name + "=" + field.value);
  return out;
}

EventRecord parsed(std::string_view xml) {
  auto record = parse_event(xml);
  EXPECT_TRUE(record) << (record ? "" : to_string(record.error())) << "\n" << xml;
  return record ? *record : EventRecord{};
}

Error refused(std::string_view xml) {
  auto record = parse_event(xml);
  EXPECT_FALSE(record) << xml.substr(0, 300);
  return record ? Error{} : record.error();
}

EventRecord with_body(std::string_view body) {
  return parsed(make_event("P", "1", "System", body));
}

// --- the layouts that real hosts write ---

TEST(EventXml, ReadsEverySystemField) {
  const auto record = parsed(R"(<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System>
    <Provider Name="Microsoft-Windows-RemoteDesktopServices-RdpCoreTS" Guid="{1139C61B-B549-4251-8ED3-27250A1EDEC8}"/>
    <EventID>131</EventID><Version>0</Version><Level>3</Level><Task>4</Task><Opcode>15</Opcode>
    <Keywords>0x4000000000000000</Keywords><TimeCreated SystemTime="2020-08-01T21:17:21.6948925Z"/>
    <EventRecordID>18446744073709551615</EventRecordID>
    <Correlation ActivityID="{7C968320-CD50-4501-B7A8-4EB1A832A284}"/><Execution ProcessID="1076" ThreadID="3128"/>
    <Channel>Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational</Channel>
    <Computer>DESKTOP-23PS6ES</Computer><Security UserID="S-1-5-20"/></System>
    <EventData><Data Name="ConnType">TCP</Data><Data Name="ClientIP">[192.168.30.10]:65464</Data></EventData></Event>)");
  EXPECT_EQ(record.provider, "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS");
  EXPECT_EQ(record.channel, "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational");
  EXPECT_EQ(record.event_id, 131U);
  EXPECT_EQ(record.level, 3U);
  EXPECT_EQ(record.record_id, 18446744073709551615ULL);
  EXPECT_EQ(record.computer, "DESKTOP-23PS6ES");
  EXPECT_EQ(record.activity_id, "{7C968320-CD50-4501-B7A8-4EB1A832A284}");
  EXPECT_EQ(record.process_id, 1076U);
  ASSERT_TRUE(record.time);
  EXPECT_EQ(to_proto(*record.time).nanos(), 694892500);
  EXPECT_THAT(fields_of(record), testing::ElementsAre("ConnType=TCP", "ClientIP=[192.168.30.10]:65464"));
  EXPECT_EQ(record.named("clientip"), "[192.168.30.10]:65464");
  EXPECT_EQ(record.named("IPString"), std::nullopt);
  EXPECT_EQ(record.positional(1), std::nullopt) << "named fields have no position";
}

TEST(EventXml, ReadsUserDataWhateverItsWrapperAndNamespace) {
  EXPECT_THAT(
      fields_of(with_body(R"(<UserData><EventXML xmlns="Event_NS"><Param1>alice</Param1><Param2>CONTOSO</Param2>)"
                          R"(<Param3></Param3></EventXML></UserData>)")),
      testing::ElementsAre("Param1=alice", "Param2=CONTOSO", "Param3="));
  EXPECT_THAT(
      fields_of(with_body(R"(<UserData><EventInfo xmlns="aag"><Username>CONTOSO\bob</Username>)"
                          R"(<IpAddress>10.0.0.5</IpAddress><ErrorCode>1226</ErrorCode></EventInfo></UserData>)")),
      testing::ElementsAre("Username=CONTOSO\\bob", "IpAddress=10.0.0.5", "ErrorCode=1226"));
  EXPECT_THAT(
      fields_of(with_body(R"(<UserData><a:X xmlns:a="n"><a:Outer><a:Leaf>1</a:Leaf></a:Outer><Data Name="N">2</Data>)"
                          R"(</a:X></UserData>)")),
      testing::ElementsAre("Leaf=1", "N=2"));
  EXPECT_TRUE(with_body("<UserData><LogFileCleared xmlns='x'/></UserData>").fields.empty());
}

TEST(EventXml, ReadsAFieldThatIsCalledEvent) {
  const auto record =
      with_body("<UserData><EventXML xmlns='Event_NS'><Session>2</Session><Event>5</Event></EventXML></UserData>");
  EXPECT_EQ(record.named("Event"), "5");
}

TEST(EventXml, ReadsClassicEventsByPosition) {
  const auto record = parsed(
      R"(<Event xmlns="x"><System><Provider Name="Microsoft-Windows-TerminalServices-RemoteConnectionManager" )"
      R"(EventSourceName="TermService"/><EventID Qualifiers="49152">1056</EventID><Channel>System</Channel></System>)"
      R"(<EventData><Data>DESKTOP-23PS6ES</Data><Data></Data><Data>third</Data>)"
      R"(<Binary>1dfac0d5F7573BF536DAAD08198AED9CDD89A450</Binary></EventData></Event>)");
  EXPECT_EQ(record.event_id, 1056U);
  EXPECT_EQ(record.positional(1), "DESKTOP-23PS6ES");
  EXPECT_EQ(record.positional(2), "");
  EXPECT_EQ(record.positional(3), "third");
  EXPECT_EQ(record.positional(4), std::nullopt);
  EXPECT_EQ(record.positional(0), std::nullopt);
  EXPECT_EQ(record.binary, "1DFAC0D5F7573BF536DAAD08198AED9CDD89A450");
  EXPECT_EQ(record.named(""), std::nullopt) << "an unnamed field is asked for by its position only";
}

TEST(EventXml, ReadsNamedFieldsBesideBinary) {
  const auto record =
      with_body(R"(<EventData><Data Name="param1">Remote Desktop Services</Data><Data Name="param2">running</Data>)"
                R"(<Binary>5400650072006D0053006500720076006900630065002F0034000000</Binary></EventData>)");
  EXPECT_EQ(record.named("param2"), "running");
  EXPECT_EQ(record.binary.substr(0, 8), "54006500");
}

TEST(EventXml, ReadsComplexDataAndNestedElements) {
  EXPECT_THAT(fields_of(with_body(R"(<EventData Name="X"><ComplexData Name="Blob">00FF</ComplexData>)"
                                  R"(<Data Name="N"><a>1</a><b>2</b>3</Data><Other>4</Other></EventData>)")),
              testing::ElementsAre("Blob=00FF", "N=123", "Other=4"));
}

TEST(EventXml, ReadsAnyPrefix) {
  const auto record = parsed(
      R"(<?xml version="1.0"?><!-- c --><e:Event xmlns:e="http://schemas.microsoft.com/win/2004/08/events/event"><e:System>)"
      R"(<e:Provider Name="TermDD"/><e:EventID>56</e:EventID><e:Channel>System</e:Channel></e:System>)"
      R"(<e:EventData><e:Data>\Device\Termdd</e:Data></e:EventData></e:Event>)");
  EXPECT_EQ(record.provider, "TermDD");
  EXPECT_EQ(record.positional(1), "\\Device\\Termdd");
}

TEST(EventXml, IgnoresLocalisedText) {
  const auto record = with_body(
      R"(<EventData><Data Name="A">1</Data></EventData><RenderingInfo Culture="de-DE"><Message>Der Dienst</Message>)"
      R"(<Level>Informationen</Level><Channel>Anderer</Channel></RenderingInfo>)");
  EXPECT_THAT(fields_of(record), testing::ElementsAre("A=1"));
  EXPECT_EQ(record.channel, "System");
}

TEST(EventXml, NeedsOnlyProviderAndId) {
  const auto record = parsed("<Event><System><Provider Name='P'/><EventID>7</EventID></System></Event>");
  EXPECT_EQ(record.event_id, 7U);
  EXPECT_EQ(record.channel, "");
  EXPECT_EQ(record.time, std::nullopt);
  EXPECT_EQ(record.record_id, 0U);
}

TEST(EventXml, ReadsEventIdsInEveryForm) {
  const auto id = [](std::string_view text) { return parsed(make_event("P", text, "System", "")).event_id; };
  EXPECT_EQ(id("1057"), 1057U);
  EXPECT_EQ(id(" 1057\n"), 1057U);
  EXPECT_EQ(id("0x421"), 1057U);
  EXPECT_EQ(id("3221226529"), 1057U) << "0xC0000421 with its qualifiers";
  EXPECT_EQ(id("0xC0000421"), 1057U);
  EXPECT_EQ(id("65535"), 65535U);
}

TEST(EventXml, ReadsTimesOfSevenAndNineDigitsAndSkipsOthers) {
  const auto nanos = [](std::string_view time) {
    const auto record =
        parsed(fmt::format("<Event><System><Provider Name='P'/><EventID>1</EventID><TimeCreated "
                           "SystemTime='{}'/></System></Event>",
                           time));
    return record.time ? to_proto(*record.time).nanos() : -1;
  };
  EXPECT_EQ(nanos("2020-08-01T18:48:57.4580708Z"), 458070800);
  EXPECT_EQ(nanos("2020-08-01T18:48:57.458070812Z"), 458070812);
  EXPECT_EQ(nanos("yesterday"), -1);
  EXPECT_EQ(nanos("1601-01-01T00:00:00.0000000Z"), -1);
}

TEST(EventXml, DecodesEntitiesCharacterReferencesAndCdata) {
  EXPECT_THAT(fields_of(with_body("<EventData><Data Name='A'>a &lt;b&gt; &amp; &#x20AC;&#8364;</Data>"
                                  "<Data Name='B'>x<![CDATA[<Event>]]>y</Data><Data Name='C'><![CDATA[1]]></Data>"
                                  "<Data Name='D'> </Data></EventData>")),
              testing::ElementsAre("A=a <b> & \u20AC\u20AC", "B=x<Event>y", "C=1", "D= "));
}

// --- hostile and broken input ---

TEST(EventXml, RefusesWhatIsNoEventAndSaysWhy) {
  EXPECT_THAT(refused("").what, HasSubstr("not a Windows event"));
  EXPECT_THAT(refused("hello").what, HasSubstr("not a Windows event"));
  EXPECT_THAT(refused("<Events/>").what, HasSubstr("\"Events\""));
  EXPECT_THAT(refused("<Event/>").what, HasSubstr("no System"));
  EXPECT_THAT(refused("<Event><System><EventID>1</EventID></System></Event>").what, HasSubstr("Provider"));
  EXPECT_THAT(refused("<Event><System><Provider Name='P'/></System></Event>").what, HasSubstr("EventID"));
  EXPECT_THAT(refused(make_event("P", "x12", "System", "")).what, HasSubstr("x12"));
  EXPECT_THAT(refused(make_event("P", "99999999999", "System", "")).what, HasSubstr("not a number"));
  EXPECT_THAT(refused(make_event("P", "-1", "System", "")).what, HasSubstr("not a number"));
  const auto one = make_event("P", "1", "System", "");
  EXPECT_THAT(refused(one + one).what, HasSubstr("more than one"));
  for (std::size_t size = 1; size < one.size(); ++size) {
    EXPECT_EQ(refused(one.substr(0, size)).code, ErrorCode::invalid_argument) << size;
  }
}

TEST(EventXml, RefusesWhatIsTooLargeBeforeParsing) {
  const std::string large(k_max_event_xml_bytes + 1, 'x');
  EXPECT_EQ(refused(large).code, ErrorCode::exhausted);
}

TEST(EventXml, BoundsFieldsAndDepth) {
  const auto fields = [](std::size_t count) {
    std::string body = "<EventData>";
    for (std::size_t i = 0; i < count; ++i) body += "<Data>1</Data>";
    return make_event("P", "1", "System", body + "</EventData>");
  };
  EXPECT_EQ(parsed(fields(k_max_event_fields)).fields.size(), k_max_event_fields);
  EXPECT_EQ(refused(fields(k_max_event_fields + 1)).code, ErrorCode::exhausted);

  const auto deep = [](std::string_view around, std::size_t depth) {
    std::string open;
    std::string close;
    for (std::size_t i = 0; i < depth; ++i) {
      open += "<a>";
      close += "</a>";
    }
    return make_event("P", "1", "System", fmt::format("<{0}>{1}x{2}</{0}>", around, open, close));
  };
  EXPECT_EQ(parsed(deep("UserData", 20)).named("a"), "x");
  EXPECT_EQ(refused(deep("UserData", 100'000)).code, ErrorCode::exhausted);
  EXPECT_EQ(refused(deep("EventData", 100'000)).code, ErrorCode::exhausted);
  EXPECT_TRUE(parse_event(deep("Elsewhere", 100'000))) << "what is not read is not followed";
}

TEST(EventXml, ExpandsNoEntities) {
  const auto bomb =
      "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">"
      "<!ENTITY f SYSTEM \"file:///etc/passwd\">]>" +
      make_event("P", "1", "System", "<EventData><Data Name='A'>&b;&f;</Data></EventData>");
  EXPECT_EQ(parsed(bomb).named("A"), "&b;&f;");
}

TEST(EventXml, RefusesNulAndRepairsInvalidUtf8) {
  auto nul = make_event("P", "1", "System", "<EventData><Data Name='A'>x</Data></EventData>");
  nul[nul.size() / 2] = '\0';
  EXPECT_THAT(refused(nul).what, HasSubstr("NUL"));

  const auto record = with_body(
      "<EventData><Data Name='A\xFF'>a\xC0\xAF\x80z</Data><Data Name='B'>&#xD800;&#x110000;|</Data></EventData>");
  EXPECT_THAT(fields_of(record).front(), "A\uFFFD=a\uFFFD\uFFFD\uFFFDz");
  EXPECT_THAT(std::string(*record.named("B")), testing::EndsWith("|"));
  EXPECT_THAT(std::string(*record.named("B")), testing::StartsWith("\uFFFD"));
}

TEST(EventXml, DropsABinaryThatIsNoHex) {
  EXPECT_EQ(with_body("<EventData><Binary>12 zz</Binary></EventData>").binary, "");
}

// Whatever bytes are changed: an error or a record, and never a value that protobuf would refuse.
TEST(EventXml, SurvivesDamagedEvents) {
  const auto seed = static_cast<unsigned>(testing::UnitTest::GetInstance()->random_seed());
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::minstd_rand random(seed);
  const auto whole =
      make_event("Microsoft-Windows-TerminalServices-RemoteConnectionManager", "1057", "System",
                 "<EventData><Data Name='A'>\u20AC&amp;x</Data><Binary>00FF</Binary></EventData><UserData><E "
                 "xmlns='n'><P>1</P><![CDATA[..]]></E></UserData>");
  int refusals = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto xml = whole;
    for (std::size_t i = 0, changes = 1 + random() % 4; i < changes; ++i)
      xml[random() % xml.size()] = static_cast<char>(random());
    const auto record = parse_event(xml);
    if (!record) {
      ++refusals;
      ASSERT_FALSE(record.error().what.empty());
      continue;
    }
    for (const auto& field : record->fields) ASSERT_LE(field.value.size(), 4 * xml.size());
  }
  EXPECT_GT(refusals, 0);
}

}  // namespace
}  // namespace rdpmend
