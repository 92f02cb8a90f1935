#include "agent-lib/knowledge/disconnect_codes.hpp"
#include "tests/paths.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <set>

namespace rdpmend {
namespace {

using testing::HasSubstr;

// Every meaning in the data file, with a name to find it by.
void for_each_meaning(const std::function<void(const std::string&, const v1::CodeMeaning&)>& visit) {
  const auto& all = knowledge();
  for (const auto& pair : all.pairs()) visit("pair " + std::to_string(pair.code()), pair.meaning());
  for (const auto& reason : all.reasons()) visit("reason " + std::to_string(reason.code()), reason.meaning());
  for (const auto& reason : all.extended()) visit("extended " + std::to_string(reason.code()), reason.meaning());
  for (const auto& family : all.families()) visit("family " + std::to_string(family.low_byte()), family.meaning());
}

TEST(ParseCode, TakesHexadecimalWith0xAndDecimalWithout) {
  EXPECT_EQ(parse_code("0x904"), 2308U);
  EXPECT_EQ(parse_code("0X904"), 2308U);
  EXPECT_EQ(parse_code("0x1b07"), 6919U);
  EXPECT_EQ(parse_code("2308"), 2308U);
  EXPECT_EQ(parse_code("904"), 904U);
  EXPECT_EQ(parse_code("0"), 0U);
  EXPECT_EQ(parse_code("0xFFFFFFFF"), 0xFFFFFFFFU);
}

TEST(ParseCode, TakesNegativeDecimalsAsEventsPrintThem) {
  EXPECT_EQ(parse_code("-2146893043"), 0x8009030DU);
  EXPECT_EQ(parse_code("-1073741715"), 0xC000006DU);
  EXPECT_EQ(parse_code("-2147483648"), 0x80000000U);
}

TEST(ParseCode, RefusesAnythingElseAndSaysHowToWriteIt) {
  for (const auto* text : {"", "0x", "x904", "B07", "0x904 ", " 904", "--1", "+1", "0x1FFFFFFFF", "4294967296",
                           "-2147483649", "0x-1", "9.4", "99999999999999999999", "%%1"}) {
    const auto code = parse_code(text);
    ASSERT_FALSE(code.has_value()) << text;
    EXPECT_EQ(code.error().code, ErrorCode::invalid_argument) << text;
    EXPECT_THAT(code.error().hint, HasSubstr("0x904")) << text;
  }
}

TEST(Explain, ThePair904And7SaysStageMeaningAndRankedCauses) {
  const auto answer = explain(0x904, 0x7);
  EXPECT_EQ(answer.knowledge(), v1::KNOWLEDGE_PAIR);
  const auto& meaning = answer.meaning();
  EXPECT_EQ(meaning.stage(), v1::STAGE_TLS);
  EXPECT_TRUE(meaning.failure());
  EXPECT_THAT(meaning.says(), HasSubstr("not a cause"));
  EXPECT_THAT(meaning.does_not_say(), HasSubstr("0x1B07"));
  ASSERT_GE(meaning.causes_size(), 4);
  EXPECT_EQ(meaning.causes(0).fault(), "certificate_expired");
  EXPECT_EQ(answer.reason().symbol(), "disconnectReasonAtClientWinsockFDCLOSE");
  EXPECT_EQ(answer.extended_reason().symbol(), "exDiscReasonServerDeniedConnection");
}

TEST(Explain, KnowsTheNeighboursThatAreMistakenForIt) {
  EXPECT_EQ(explain(0x104).meaning().stage(), v1::STAGE_NAME);
  EXPECT_EQ(explain(0x204).meaning().stage(), v1::STAGE_TCP);
  EXPECT_EQ(explain(0x204).meaning().causes(0).fault(), "firewall_rule_disabled");
  EXPECT_EQ(explain(0x1B07).meaning().stage(), v1::STAGE_TLS);
  EXPECT_EQ(explain(0x1B07).meaning().causes(0).fault(), "certificate_expired");
  EXPECT_EQ(explain(0x807).meaning().stage(), v1::STAGE_CREDSSP);
  EXPECT_EQ(explain(0x808).meaning().stage(), v1::STAGE_LICENSING);
}

TEST(Explain, AnExtendedCodeThatSaysSomethingIsTheAnswer) {
  const auto answer = explain(0x3, 0x5);
  EXPECT_EQ(answer.knowledge(), v1::KNOWLEDGE_EXTENDED);
  EXPECT_EQ(answer.meaning().title(), answer.extended_reason().meaning().title());
  EXPECT_FALSE(answer.meaning().failure());
  EXPECT_TRUE(answer.has_reason());
}

TEST(Explain, AnExtendedCodeOfZeroOrUnknownLeavesTheAnswerToTheFirst) {
  EXPECT_EQ(explain(0x3, 0x0).knowledge(), v1::KNOWLEDGE_CODE);
  const auto unknown = explain(0x204, 0x99);
  EXPECT_EQ(unknown.knowledge(), v1::KNOWLEDGE_CODE);
  EXPECT_FALSE(unknown.has_extended_reason());
  EXPECT_EQ(unknown.extended(), 0x99U);
}

TEST(Explain, ARangeAnswersForItsCodesAndASingleCodeGoesFirst) {
  EXPECT_EQ(explain(0x3, 0x10C9).meaning().title(), "Internal protocol error");
  EXPECT_EQ(explain(0x3, 0x7FFF).meaning().title(), "Internal protocol error");
  EXPECT_EQ(explain(0x3, 0x8000).knowledge(), v1::KNOWLEDGE_CODE);
  EXPECT_EQ(explain(0x3, 0x101).meaning().title(), "No licence server");
}

TEST(Explain, AnUnknownCodeOfAFamilySaysThatItIsAGuess) {
  const auto answer = explain(0x2507);
  EXPECT_EQ(answer.knowledge(), v1::KNOWLEDGE_FAMILY);
  EXPECT_FALSE(answer.has_reason());
  EXPECT_THAT(answer.meaning().title(), HasSubstr("Not documented"));
  EXPECT_THAT(answer.meaning().does_not_say(), HasSubstr("guess"));
}

TEST(Explain, TellsANumberThatClientsShowForANetworkLevelAuthenticationThatTheyDidNotDo) {
  for (const std::uint32_t code : {0x207U, 0xB09U}) {
    const auto meaning = explain(code).meaning();
    EXPECT_EQ(meaning.stage(), v1::STAGE_CREDSSP) << code;
    EXPECT_THAT(meaning.title(), HasSubstr("requires Network Level Authentication")) << code;
    EXPECT_THAT(meaning.does_not_say(), HasSubstr("not to switch Network Level Authentication off")) << code;
  }
  EXPECT_EQ(explain(0xF09).knowledge(), v1::KNOWLEDGE_FAMILY);
}

TEST(Explain, ALogonTypeThatIsNotGrantedIsNoSmartCard) {
  const auto meaning = explain(0x1307).meaning();
  EXPECT_THAT(meaning.says(), HasSubstr("0xC000015B"));
  EXPECT_THAT(meaning.does_not_say(), HasSubstr("not about smart cards"));
}

TEST(Explain, ZeroAndZeroPointToTheWordsOfTheDialog) {
  const auto answer = explain(0x0, 0x0);
  EXPECT_EQ(answer.knowledge(), v1::KNOWLEDGE_PAIR);
  EXPECT_THAT(answer.meaning().look_at(0), HasSubstr("The dialog's words"));
}

TEST(Explain, ADyingServiceIsNotATimeLimit) {
  EXPECT_THAT(explain(0x4).meaning().look_at(0), HasSubstr("TermService stopped"));
  EXPECT_EQ(explain(0x3, 0x4).meaning().title(), "The session's time limit was reached");
}

TEST(Explain, NumbersOfGatewaysSayNothingAboutTheHost) {
  EXPECT_THAT(explain(0x300000C).meaning().does_not_say(), HasSubstr("host was not reached"));
  EXPECT_EQ(explain(0x3000046).knowledge(), v1::KNOWLEDGE_CODE);
  EXPECT_THAT(explain(0x30000FF).meaning().does_not_say(), HasSubstr("no page says it"));
  EXPECT_EQ(explain(0x4000000).knowledge(), v1::KNOWLEDGE_NONE);
}

TEST(Explain, TheSecurityFilterOfTheProtocolRangeIsAboutTls) {
  for (const std::uint32_t extended : {0x1020U, 0x1021U, 0x1022U})
    EXPECT_EQ(explain(0x3, extended).meaning().stage(), v1::STAGE_TLS) << extended;
  EXPECT_EQ(explain(0x3, 0x1023).meaning().title(), "Internal protocol error");
  EXPECT_THAT(explain(0x3, 0x112F).meaning().title(), HasSubstr("graphics"));
}

TEST(Explain, ANumberOfNoFamilyIsHonestlyUnknown) {
  for (const std::uint32_t code : {0x6U, 0x07U, 0x2501U, 0x10904U, 0xFFFFFFFFU}) {
    const auto answer = explain(code);
    EXPECT_EQ(answer.knowledge(), v1::KNOWLEDGE_NONE) << code;
    EXPECT_THAT(answer.meaning().says(), HasSubstr("Nothing is known")) << code;
    EXPECT_EQ(answer.meaning().stage(), v1::STAGE_UNSPECIFIED) << code;
    EXPECT_EQ(answer.sources_size(), 0) << code;
  }
}

TEST(Explain, ADecimalNumberThatWasMeantAsHexadecimalGetsAHint) {
  EXPECT_THAT(explain(904).meaning().look_at(0), HasSubstr("0x904 is known"));
  EXPECT_THAT(explain(905).meaning().look_at(0), testing::Not(HasSubstr("is known")));
}

TEST(Explain, BringsTheSourcesThatItsPartsReferTo) {
  std::set<std::string> keys;
  const auto answer = explain(0x204, 0x101);
  for (const auto& source : answer.sources()) keys.insert(source.key());
  EXPECT_THAT(keys, testing::IsSupersetOf({"ondisconnected", "extended"}));
}

// Values of the OnDisconnected page: https://learn.microsoft.com/windows/win32/termserv/imstscaxevents-ondisconnected
TEST(Data, HoldsEveryDocumentedDisconnectReason) {
  const std::map<std::uint32_t, std::string> documented{
      {0, "disconnectReasonNoInfo"},
      {1, "disconnectReasonLocalNotError"},
      {2, "disconnectReasonRemoteByUser"},
      {3, "disconnectReasonByServer"},
      {260, "disconnectReasonDNSLookupFailed"},
      {262, "disconnectReasonOutOfMemory"},
      {264, "disconnectReasonConnectionTimedOut"},
      {516, "disconnectReasonSocketConnectFailed"},
      {518, "disconnectReasonOutOfMemory2"},
      {520, "disconnectReasonHostNotFound"},
      {772, "disconnectReasonWinsockSendFailed"},
      {774, "disconnectReasonOutOfMemory3"},
      {776, "disconnectReasonInvalidIPAddr"},
      {1028, "disconnectReasonSocketRecvFailed"},
      {1030, "disconnectReasonInvalidSecurityData"},
      {1032, "disconnectReasonInternalError"},
      {1286, "disconnectReasonInvalidEncryption"},
      {1288, "disconnectReasonDNSLookupFailed2"},
      {1540, "disconnectReasonGetHostByNameFailed"},
      {1542, "disconnectReasonInvalidServerSecurityInfo"},
      {1544, "disconnectReasonTimerError"},
      {1796, "disconnectReasonTimeoutOccurred"},
      {1798, "disconnectReasonServerCertificateUnpackErr"},
      {2052, "disconnectReasonInvalidIP"},
      {2055, "SSL_ERR_LOGON_FAILURE"},
      {2056, "disconnectReasonLicensingFailed"},
      {2308, "disconnectReasonAtClientWinsockFDCLOSE"},
      {2310, "disconnectReasonInternalSecurityError"},
      {2312, "disconnectReasonLicensingTimeout"},
      {2566, "disconnectReasonInternalSecurityError2"},
      {2567, "SSL_ERR_NO_SUCH_USER"},
      {2822, "disconnectReasonEncryptionError"},
      {2823, "SSL_ERR_ACCOUNT_DISABLED"},
      {3078, "disconnectReasonDecryptionError"},
      {3079, "SSL_ERR_ACCOUNT_RESTRICTION"},
      {3080, "disconnectReasonClientDecompressionError"},
      {3335, "SSL_ERR_ACCOUNT_LOCKED_OUT"},
      {3591, "SSL_ERR_ACCOUNT_EXPIRED"},
      {3847, "SSL_ERR_PASSWORD_EXPIRED"},
      {4615, "SSL_ERR_PASSWORD_MUST_CHANGE"},
      {5639, "SSL_ERR_DELEGATION_POLICY"},
      {5895, "SSL_ERR_POLICY_NTLM_ONLY"},
      {6151, "SSL_ERR_NO_AUTHENTICATING_AUTHORITY"},
      {6919, "SSL_ERR_CERT_EXPIRED"},
      {7175, "SSL_ERR_SMARTCARD_WRONG_PIN"},
      {8455, "SSL_ERR_FRESH_CRED_REQUIRED_BY_SERVER"},
      {8711, "SSL_ERR_SMARTCARD_CARD_BLOCKED"},
  };
  for (const auto& [code, symbol] : documented) EXPECT_EQ(explain(code).reason().symbol(), symbol) << code;
}

// https://learn.microsoft.com/windows/win32/termserv/extendeddisconnectreasoncode
TEST(Data, HoldsEveryDocumentedExtendedReason) {
  const std::set<std::uint32_t> documented{0,   1,   2,   3,   4,   5,   6,   7,   8,   9,   10,  11,  12,
                                           256, 257, 258, 259, 260, 261, 262, 263, 264, 265, 266, 267, 768};
  for (const auto code : documented) {
    const auto answer = explain(0x3, code);
    EXPECT_THAT(answer.extended_reason().symbol(), testing::StartsWith("exDiscReason")) << code;
    EXPECT_EQ(answer.extended_reason().code(), code);
  }
}

TEST(Data, EveryMeaningIsCompleteAndItsSourcesExist) {
  std::set<std::string> keys;
  for (const auto& source : knowledge().sources()) {
    EXPECT_TRUE(keys.insert(source.key()).second) << source.key();
    EXPECT_THAT(source.url(), testing::StartsWith("https://")) << source.key();
    EXPECT_FALSE(source.title().empty()) << source.key();
  }
  std::set<std::string> used;
  for_each_meaning([&](const std::string& name, const v1::CodeMeaning& meaning) {
    SCOPED_TRACE(name);
    EXPECT_FALSE(meaning.title().empty());
    EXPECT_FALSE(meaning.title().ends_with('.'));
    EXPECT_TRUE(meaning.says().ends_with('.'));
    EXPECT_GE(meaning.sources_size(), 1);
    EXPECT_TRUE(!meaning.failure() || meaning.look_at_size() > 0) << "a failure without advice";
    for (const auto& cause : meaning.causes()) EXPECT_FALSE(cause.title().empty() || cause.why().empty());
    for (const auto& source : meaning.sources()) {
      EXPECT_TRUE(keys.contains(source)) << source;
      used.insert(source);
    }
  });
  EXPECT_EQ(used, keys) << "a source that nothing refers to";
}

TEST(Data, NoCodeIsThereTwice) {
  std::set<std::uint32_t> reasons;
  for (const auto& reason : knowledge().reasons()) EXPECT_TRUE(reasons.insert(reason.code()).second) << reason.code();
  std::set<std::uint32_t> extended;
  for (const auto& reason : knowledge().extended()) EXPECT_TRUE(extended.insert(reason.code()).second) << reason.code();
}

TEST(Data, PointsOnlyToFaultsThatAreInTheCatalogue) {
  std::set<std::string> faults;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(test::source_dir() + "/agent-lib/faults")) {
    if (entry.path().filename() == "fault.textproto") faults.insert(entry.path().parent_path().filename().string());
  }
  for_each_meaning([&](const std::string& name, const v1::CodeMeaning& meaning) {
    for (const auto& cause : meaning.causes())
      EXPECT_TRUE(cause.fault().empty() || faults.contains(cause.fault())) << name << ": " << cause.fault();
  });
}

}  // namespace
}  // namespace rdpmend
