#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/faults/fault_bench.hpp"

namespace rdpmend::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr const char* k_id = "logon_flood";
const std::string k_core = "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS";

struct Bench : FaultBench {
  Bench() : FaultBench(k_id, "healthy") {}

  void refuses(const std::string& source, std::uint32_t times) {
    log(k_core + "/Operational", k_core, 140, {{"IPString", source}}, times);
  }
  void audits(const std::string& type, const std::string& source, const std::string& user, std::uint32_t times) {
    log("Security", "Microsoft-Windows-Security-Auditing", 4625,
        {{"TargetUserName", user}, {"SubStatus", "0xc000006a"}, {"LogonType", type}, {"IpAddress", source}}, times);
  }
  void cannot_read_security() {
    v1::SimChange change;
    change.mutable_event_log()->add_unreadable("Security");
    host.change(change);
  }

 private:
  void log(const std::string& channel, const std::string& provider, std::uint32_t id,
           const std::vector<std::pair<std::string, std::string>>& all, std::uint32_t times) {
    v1::SimChange change;
    auto& event = *change.add_events();
    event.set_channel(channel);
    event.set_provider(provider);
    event.set_event_id(id);
    event.set_times(times);
    for (const auto& [name, value] : all) {
      auto& data = *event.add_data();
      data.set_name(name);
      data.set_value(value);
    }
    host.change(change);
  }
};

TEST(LogonFlood, PeopleWhoMistypeAreNone) {
  Bench bench;
  for (int i = 0; i < 60; ++i) bench.refuses(fmt::format("10.0.0.{}", i), 3);
  EXPECT_THAT(bench.diagnoses(), IsEmpty());
}

TEST(LogonFlood, NamesTheSourceAndTheAccounts) {
  Bench bench;
  bench.refuses("203.0.113.9", 200);
  bench.audits("3", "-", "administrator", 100);
  bench.audits("3", "-", "scanner", 100);
  ASSERT_THAT(bench.diagnoses(), SizeIs(1));
  const auto found = bench.diagnoses()[0];
  EXPECT_EQ(found.subject(), "203.0.113.9");
  EXPECT_FALSE(found.repairable());
  EXPECT_THAT(found.summary(), HasSubstr("200 in 1 h"));
  EXPECT_THAT(found.DebugString(), HasSubstr("administrator, scanner"));
  EXPECT_THAT(found.advice(), HasSubstr("Nobody is banned"));
}

TEST(LogonFlood, WithoutNetworkLevelAuthenticationTheSecurityLogTells) {
  Bench bench;
  bench.audits("10", "203.0.113.9", "administrator", 100);
  bench.audits("10", "203.0.113.9", "admin", 100);
  ASSERT_THAT(bench.diagnoses(), SizeIs(1));
  EXPECT_EQ(bench.diagnoses()[0].subject(), "203.0.113.9");
}

TEST(LogonFlood, EachSourceIsASubjectAndTooManyAreOne) {
  Bench bench;
  for (int i = 0; i < 8; ++i) bench.refuses(fmt::format("203.0.113.{}", i), 150);
  EXPECT_THAT(bench.diagnoses(), SizeIs(8));
  bench.refuses("203.0.113.8", 150);
  ASSERT_THAT(bench.diagnoses(), SizeIs(1));
  EXPECT_EQ(bench.diagnoses()[0].subject(), "many sources");
}

TEST(LogonFlood, SourcesThatTakeTurnsAreSeenTogether) {
  Bench bench;
  for (int i = 0; i < 50; ++i) bench.refuses(fmt::format("203.0.113.{}", i), 5);
  ASSERT_THAT(bench.diagnoses(), SizeIs(1));
  EXPECT_THAT(bench.diagnoses()[0].summary(), HasSubstr("50 sources"));
}

// Every 15 s, day and night.
TEST(LogonFlood, AToolWithAnOldPasswordIsNone) {
  for (const std::string logged : {"10.0.0.5", "-"}) {
    Bench bench;
    bench.refuses("10.0.0.5", 240);
    bench.audits("3", logged, "monitoring", 240);
    EXPECT_THAT(bench.diagnoses(), IsEmpty()) << logged;
  }
}

TEST(LogonFlood, OneAccountThatIsTriedTwiceASecondIsOne) {
  Bench bench;
  bench.refuses("203.0.113.9", 4800);
  bench.audits("3", "203.0.113.9", "administrator", 4800);
  ASSERT_THAT(bench.diagnoses(), SizeIs(1));
  EXPECT_THAT(bench.diagnoses()[0].advice(), HasSubstr("Only one account is tried"));
}

// File sharing is logged as type 3, too.
TEST(LogonFlood, NetworkLogonsAloneAreNone) {
  Bench bench;
  for (int i = 0; i < 20; ++i) bench.audits("3", "203.0.113.9", fmt::format("user{}", i), 100);
  EXPECT_THAT(bench.diagnoses(), IsEmpty());
}

TEST(LogonFlood, WhoGuessesThroughATunnelIsSaidToDoSo) {
  Bench bench;
  bench.refuses("127.0.0.1", 200);
  ASSERT_THAT(bench.diagnoses(), SizeIs(1));
  EXPECT_THAT(bench.diagnoses()[0].advice(), HasSubstr("tunnel"));
}

TEST(LogonFlood, WithoutTheSecurityLogItIsFoundButNeverCalledAbsent) {
  Bench bench;
  bench.cannot_read_security();
  EXPECT_EQ(bench.look().outcome(), Finding::OUTCOME_UNKNOWN);
  EXPECT_THAT(bench.look().detail(), HasSubstr("access is denied"));
  bench.refuses("203.0.113.9", 200);
  ASSERT_THAT(bench.diagnoses(), SizeIs(1));
  EXPECT_THAT(bench.diagnoses()[0].DebugString(), HasSubstr("not known"));
}

TEST(LogonFlood, EvidenceThatGrowsIsTheSameDiagnosis) {
  Bench bench;
  bench.refuses("203.0.113.9", 200);
  const auto before = bench.diagnoses().at(0);
  bench.refuses("203.0.113.9", 20);
  const auto after = bench.diagnoses().at(0);
  EXPECT_NE(before.summary(), after.summary());
  EXPECT_TRUE(same_diagnosis(before, after));
}

}  // namespace
}  // namespace rdpmend::test
