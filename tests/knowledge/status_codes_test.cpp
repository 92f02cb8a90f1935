#include "agent-lib/knowledge/status_codes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "agent-lib/knowledge/disconnect_codes.hpp"

namespace rdpmend {
namespace {

using testing::HasSubstr;

std::string symbol_of(std::uint32_t code) {
  const auto* status = find_status(code);
  return status == nullptr ? "" : status->symbol();
}

TEST(FindStatus, KnowsTheNumbersOfTheEventsThatItIsFor) {
  const std::vector<std::pair<std::uint32_t, std::string>> expected{{0xC000035B, "STATUS_BAD_BINDINGS"},
                                                                    {0xC000018D, "STATUS_TRUSTED_RELATIONSHIP_FAILURE"},
                                                                    {0xC000015B, "STATUS_LOGON_TYPE_NOT_GRANTED"},
                                                                    {0xC0000064, "STATUS_NO_SUCH_USER"},
                                                                    {0xC000006A, "STATUS_WRONG_PASSWORD"},
                                                                    {0xC0000234, "STATUS_ACCOUNT_LOCKED_OUT"},
                                                                    {0x80090304, "SEC_E_INTERNAL_ERROR"},
                                                                    {0x8009030D, "SEC_E_UNKNOWN_CREDENTIALS"},
                                                                    {0x8009030E, "SEC_E_NO_CREDENTIALS"},
                                                                    {0x8009000B, "NTE_BAD_KEY_STATE"},
                                                                    {0x8009000F, "NTE_EXISTS"},
                                                                    {0x80090010, "NTE_PERM"},
                                                                    {0x80090016, "NTE_BAD_KEYSET"},
                                                                    {0x2740, "WSAEADDRINUSE"}};
  for (const auto& [code, symbol] : expected) EXPECT_EQ(symbol_of(code), symbol) << std::hex << code;
}

TEST(FindStatus, LooksIntoTheNumbersThatWrapOthers) {
  EXPECT_EQ(symbol_of(0x800706B5), "RPC_S_UNKNOWN_IF");
  EXPECT_EQ(symbol_of(0x8007052E), "ERROR_LOGON_FAILURE");
  EXPECT_EQ(symbol_of(0x80070005), "ERROR_ACCESS_DENIED");
  EXPECT_EQ(symbol_of(0xD0000184), "STATUS_INVALID_DEVICE_STATE");
  EXPECT_EQ(find_status(0x8007FFFF), nullptr);
}

TEST(FindStatus, AnAuditTextIsNoStatus) {
  EXPECT_EQ(find_status(2307), nullptr);
  ASSERT_NE(find_event_text(2307), nullptr);
  EXPECT_EQ(find_event_text(2307)->title(), "Account locked out");
}

TEST(ExplainText, TakesNumbersAsEventsPrintThem) {
  for (const auto* text : {"0x8009030D", "-2146893043", "2148074253", "%%2148074253", "%%-2146893043"}) {
    const auto answer = explain_text(text, "");
    ASSERT_TRUE(answer.has_value()) << text;
    EXPECT_EQ(answer->knowledge(), v1::KNOWLEDGE_STATUS) << text;
    EXPECT_EQ(answer->status().symbol(), "SEC_E_UNKNOWN_CREDENTIALS") << text;
    EXPECT_GE(answer->sources_size(), 2) << text;
  }
  EXPECT_EQ(explain_text("%%1053", "")->status().symbol(), "ERROR_SERVICE_REQUEST_TIMEOUT");
}

// 2308 is 0x904 to a client, and another matter in the security log.
TEST(ExplainText, AnEventsTextIsNoDisconnectReason) {
  EXPECT_EQ(explain_text("2308", "")->reason().symbol(), "disconnectReasonAtClientWinsockFDCLOSE");
  const auto answer = explain_text("%%2308", "");
  EXPECT_FALSE(answer->has_reason());
  EXPECT_EQ(answer->knowledge(), v1::KNOWLEDGE_NONE);
  EXPECT_THAT(answer->meaning().look_at(1), HasSubstr("SubStatus"));
}

TEST(ExplainText, ANumberThatIsBothIsToldAsBoth) {
  const auto answer = explain_text("2", "");
  EXPECT_EQ(answer->knowledge(), v1::KNOWLEDGE_CODE);
  EXPECT_EQ(answer->status().symbol(), "ERROR_FILE_NOT_FOUND");
}

TEST(ExplainText, RefusesWhatIsNoNumber) {
  for (const auto* text : {"", "%%", "%%x", "%1326", "%%%1326", "nonsense", "%%99999999999"}) {
    const auto answer = explain_text(text, "");
    ASSERT_FALSE(answer.has_value()) << text;
    EXPECT_THAT(answer.error().hint, HasSubstr("%%1326"));
  }
  EXPECT_FALSE(explain_text("0x904", "x").has_value());
}

TEST(StatusData, EveryEntryIsCompleteAndThereOnceAndItsSourcesExist) {
  std::set<std::string> keys;
  for (const auto& source : status_codes().sources()) {
    EXPECT_TRUE(keys.insert(source.key()).second) << source.key();
    EXPECT_THAT(source.url(), testing::StartsWith("https://")) << source.key();
  }
  std::set<std::string> used;
  std::set<std::pair<int, std::uint32_t>> seen;
  for (const auto& status : status_codes().statuses()) {
    SCOPED_TRACE(status.code());
    EXPECT_TRUE(seen.insert({status.kind(), status.code()}).second);
    EXPECT_NE(status.kind(), v1::StatusCode::KIND_UNSPECIFIED);
    EXPECT_EQ(status.symbol().empty(), status.kind() == v1::StatusCode::KIND_AUDIT_TEXT);
    EXPECT_FALSE(status.title().empty() || status.title().ends_with('.'));
    EXPECT_TRUE(status.says().ends_with('.'));
    EXPECT_FALSE(status.seen_in().empty() || status.look_at().empty() || status.sources().empty());
    for (const auto& source : status.sources()) {
      EXPECT_TRUE(keys.contains(source)) << source;
      used.insert(source);
    }
  }
  EXPECT_EQ(used, keys) << "a source that nothing refers to";
  EXPECT_GE(status_codes().statuses_size(), 30);
}

// The two files may cite the same page: then under the same key it must be the same.
TEST(StatusData, AKeyOfBothFilesIsTheSamePage) {
  for (const auto& ours : status_codes().sources()) {
    for (const auto& theirs : knowledge().sources()) {
      if (ours.key() == theirs.key()) {
        EXPECT_EQ(ours.url(), theirs.url()) << ours.key();
      }
    }
  }
}

}  // namespace
}  // namespace rdpmend
