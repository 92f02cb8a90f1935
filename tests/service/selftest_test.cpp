// What the selftest says of rehearsed hosts: nothing of a healthy one, and exactly what is wrong of others.
#include "service/selftest/selftest.hpp"

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include "tests/sim/sim_test_support.hpp"

namespace rdpmend {

void PrintTo(const Finding& finding, std::ostream* out) {
  *out << finding.area << " / " << finding.what << ": " << to_string(finding.outcome) << ", found " << finding.found;
}

namespace {

using Outcome = Finding::Outcome;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::vector<Finding> differing(const sim::TestHost& host) {
  auto findings = check_host(host.view);
  std::erase_if(findings, [](const auto& finding) { return finding.outcome != Outcome::differs; });
  return findings;
}

auto about(const std::string& what, const std::string& found) {
  return AllOf(Field(&Finding::what, HasSubstr(what)), Field(&Finding::found, HasSubstr(found)));
}

TEST(Selftest, nothing_differs_on_a_healthy_host) {
  const sim::TestHost host;
  EXPECT_THAT(differing(host), IsEmpty());
}

TEST(Selftest, every_finding_says_what_was_expected_and_who_says_so) {
  const sim::TestHost host;
  EXPECT_THAT(check_host(host.view),
              Each(AllOf(Field(&Finding::expected, Not(IsEmpty())), Field(&Finding::source, Not(IsEmpty())),
                         Field(&Finding::found, Not(IsEmpty())), Field(&Finding::area, Not(IsEmpty())))));
}

TEST(Selftest, looks_at_every_area_and_changes_nothing) {
  const sim::TestHost host;
  const auto before = host.fingerprint();
  std::set<std::string> areas;
  for (const auto& finding : check_host(host.view)) areas.insert(finding.area);
  EXPECT_THAT(areas, ElementsAre("certificates", "events", "firewall", "listener", "registry", "services"));
  EXPECT_EQ(host.fingerprint(), before);
}

TEST(Selftest, a_value_of_another_type_differs) {
  sim::TestHost host;
  host.change(
      R"(registry { key: "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Terminal Server\\WinStations\\RDP-Tcp" name: "SecurityLayer" text: "2" })");
  EXPECT_THAT(differing(host), ElementsAre(Field(&Finding::what, HasSubstr("RDP-Tcp\\SecurityLayer"))));
}

TEST(Selftest, a_value_out_of_its_bounds_differs) {
  sim::TestHost host;
  host.change(
      R"(registry { key: "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Terminal Server\\WinStations\\RDP-Tcp" name: "MinEncryptionLevel" dword: 7 })");
  EXPECT_THAT(differing(host), ElementsAre(about("RDP-Tcp\\MinEncryptionLevel", "7")));
}

TEST(Selftest, a_value_that_must_be_there_differs_if_it_is_not) {
  sim::TestHost host;
  host.change(
      R"(registry { key: "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList" name: "ProgramData" absent: true })");
  EXPECT_THAT(differing(host), ElementsAre(about("ProfileList\\ProgramData", "no such value")));
}

TEST(Selftest, policies_that_are_not_set_are_not_here) {
  const sim::TestHost host;
  const auto findings = check_host(host.view);
  const auto policy = std::find_if(findings.begin(), findings.end(), [](const auto& finding) {
    return finding.what == R"(SOFTWARE\Policies\Microsoft\Windows NT\Terminal Services\SecurityLayer)";
  });
  ASSERT_NE(policy, findings.end());
  EXPECT_EQ(policy->outcome, Outcome::not_here);
}

TEST(Selftest, a_disabled_service_differs) {
  sim::TestHost host;
  host.change(R"(services { name: "SessionEnv" start_type: SERVICE_START_TYPE_DISABLED })");
  EXPECT_THAT(differing(host), ElementsAre(about("SessionEnv", "disabled start")));
}

TEST(Selftest, another_service_dll_differs) {
  sim::TestHost host;
  host.change(
      R"(registry { key: "HKLM\\SYSTEM\\CurrentControlSet\\Services\\TermService\\Parameters" name: "ServiceDll" text: "C:\\other.dll" })");
  EXPECT_THAT(differing(host), ElementsAre(about("ServiceDll", "other.dll")));
}

TEST(Selftest, a_key_that_network_service_cannot_read_shows_in_its_access_list_and_in_the_handshake) {
  sim::TestHost host;
  host.change(R"(certificate { key_readers_removed: "S-1-5-20" })");
  EXPECT_THAT(differing(host), ElementsAre(about("access list of", "missing S-1-5-20"), about("handshake", "")));
}

TEST(Selftest, a_certificate_that_should_have_been_renewed_differs) {
  sim::TestHost host;
  host.change(R"(certificate { valid_since { seconds: 14688000 } expires_in { seconds: 864000 } })");
  EXPECT_THAT(differing(host), ElementsAre(about("renewal of the self-signed certificate", "10 days left")));
}

TEST(Selftest, a_rule_turned_to_another_group_or_gone_differs) {
  sim::TestHost host;
  host.change(R"(firewall { rules { rule_id: "RemoteDesktop-UserMode-In-UDP" absent: true } })");
  EXPECT_THAT(differing(host), ElementsAre(about("RemoteDesktop-UserMode-In-UDP", "no such rule")));
}

TEST(Selftest, a_disabled_rule_is_a_fault_of_the_host_and_no_wrong_assumption) {
  sim::TestHost host;
  host.change(R"(firewall { rules { rule_id: "RemoteDesktop-UserMode-In-TCP" enabled: false } })");
  EXPECT_THAT(differing(host), IsEmpty());
}

TEST(Selftest, without_termservice_its_answers_differ) {
  sim::TestHost host;
  host.change(R"(services { name: "TermService" running: false })");
  const auto found = differing(host);
  EXPECT_THAT(found, testing::Contains(about("list of sessions", "TermService is not running")));
  EXPECT_THAT(found, testing::Contains(about("owner of the listener's port", "nothing listens")));
}

TEST(Selftest, events_that_the_host_has_logged_are_compared_with_the_rules) {
  sim::TestHost host;
  host.change(
      R"(certificate { key_readers_removed: "S-1-5-18" key_readers_removed: "S-1-5-20" expires_in { seconds: -86400 } })");
  host.change("client_connects: true");
  const auto findings = check_host(host.view);
  const auto layout = std::find_if(findings.begin(), findings.end(), [](const auto& finding) {
    return finding.area == "events" && finding.outcome == Outcome::holds && finding.what.starts_with("event ");
  });
  ASSERT_NE(layout, findings.end()) << "no logged event was compared";
  EXPECT_THAT(layout->found, HasSubstr("="));
}

TEST(Selftest, the_table_counts_and_names_the_source) {
  const std::vector<Finding> findings{
      {"registry", "PortNumber", Outcome::differs, "REG_DWORD", "text\x1b[31m", "a page"},
      {"services", "TermService", Outcome::holds, "manual", "manual", "a page"}};
  const auto table = to_table(findings);
  EXPECT_THAT(table, AllOf(HasSubstr("differs   registry      PortNumber\n"), HasSubstr("expected  REG_DWORD\n"),
                           HasSubstr("source    a page\n"), HasSubstr("1 hold, 1 differ, 0 are not here.")));
  EXPECT_THAT(table, Not(HasSubstr("\x1b"))) << "what was found does not speak to the terminal";
}

TEST(Selftest, the_json_can_be_read_by_programs) {
  const sim::TestHost host;
  const auto findings = check_host(host.view);
  google::protobuf::Struct root;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(to_json(findings, host.view.identity), &root).ok());
  const auto& list = root.fields().at("findings").list_value();
  ASSERT_EQ(static_cast<std::size_t>(list.values_size()), findings.size());
  const auto& first = list.values(0).struct_value().fields();
  EXPECT_EQ(first.at("what").string_value(), findings[0].what);
  EXPECT_EQ(first.at("outcome").string_value(), to_string(findings[0].outcome));
}

}  // namespace
}  // namespace rdpmend
