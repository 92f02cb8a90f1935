// What the selftest says of rehearsed hosts: nothing of a healthy one, and exactly what is wrong of others.
#include "service/selftest/selftest.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include "agent-lib/knowledge/stock_host.hpp"
#include "tests/sim/sim_test_support.hpp"

namespace rdpmend {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Property;

// What is not as assumed, or could not be found out.
std::vector<Check> complaints(const HostView& view) {
  const auto test = check_host(view);
  std::vector<Check> found;
  for (const auto& check : test.checks()) {
    if (check.outcome() != Check::OUTCOME_AS_EXPECTED && check.outcome() != Check::OUTCOME_NOT_HERE)
      found.push_back(check);
  }
  return found;
}

std::vector<Check> differing(const sim::TestHost& host) {
  return complaints(host.view);
}

Status only_read() {
  return fail(ErrorCode::internal, "the selftest only reads");
}

// The host, but nobody may look at the listener's key file.
class LockedKeyFiles final : public KeyFiles {
 public:
  LockedKeyFiles(const KeyFiles& host, std::string locked, ErrorCode code)
      : host_(host), locked_(std::move(locked)), code_(code) {}
  Result<std::optional<KeyFile>> find(std::string_view folder, std::string_view file) const override {
    if (file == locked_) return fail(code_, "cannot look at this key file");
    return host_.find(folder, file);
  }
  Status write_dacl(std::string_view, std::string_view, const v1::FileSecurity&) override { return only_read(); }
  Status keep(std::string_view, std::string_view, std::string_view) override { return only_read(); }
  Status put_back(std::string_view, std::string_view, std::string_view) override { return only_read(); }
  Result<std::optional<KeyFile>> find_aside(std::string_view aside) const override { return host_.find_aside(aside); }
  Status move_aside(std::string_view, std::string_view, std::string_view) override { return only_read(); }
  Status move_back(std::string_view, std::string_view, std::string_view) override { return only_read(); }

 private:
  const KeyFiles& host_;
  const std::string locked_;
  const ErrorCode code_;
};

std::vector<Check> complaints_with_locked_key(const sim::TestHost& host, ErrorCode code) {
  const auto& view = host.view;
  const LockedKeyFiles key_files(view.key_files, host.key_file(), code);
  return complaints({view.identity, view.clock, view.events, view.registry, view.certificates, key_files, view.services,
                     view.firewall, view.sessions, view.listener});
}

auto of_outcome(Check::Outcome outcome, const std::string& what, const std::string& found) {
  return AllOf(Property(&Check::outcome, outcome), Property(&Check::what, HasSubstr(what)),
               Property(&Check::found, HasSubstr(found)));
}

auto about(const std::string& what, const std::string& found) {
  return AllOf(Property(&Check::what, HasSubstr(what)), Property(&Check::found, HasSubstr(found)));
}

TEST(Selftest, nothing_differs_on_a_healthy_host) {
  const sim::TestHost host;
  EXPECT_THAT(differing(host), IsEmpty());
}

TEST(Selftest, every_check_says_what_was_expected_and_who_says_so) {
  const sim::TestHost host;
  EXPECT_THAT(check_host(host.view).checks(),
              Each(AllOf(Property(&Check::expected, Not(IsEmpty())), Property(&Check::source, Not(IsEmpty())),
                         Property(&Check::found, Not(IsEmpty())), Property(&Check::area, Not(IsEmpty())))));
}

// Parts that no port shows are asked where there is a Windows (service/selftest/os_services_win32.cpp).
TEST(Selftest, asks_for_every_row_of_the_stock_host_that_is_unproven) {
  const sim::TestHost host;
  std::set<std::string> said;
  const auto test = check_host(host.view);
  for (const auto& check : test.checks()) said.insert(check.source());
  const auto asked_of_windows = [](const std::string& what) {
    return what.ends_with(", depends_on") || what.ends_with(", account") || what.ends_with(", trigger");
  };
  std::size_t asked = 0;
  for (const auto& row : rows_of(stock_of(20348).host())) {
    if (row.unproven.empty() || asked_of_windows(row.what)) continue;
    EXPECT_TRUE(std::any_of(said.begin(), said.end(), [&](const auto& source) {
      return source.find("unproven, asks for: " + row.unproven) != source.npos;
    })) << row.what;
    ++asked;
  }
  EXPECT_GT(asked, 0U);
}

TEST(Selftest, a_build_that_nobody_has_looked_at_is_told_with_the_one_that_it_is_taken_as) {
  const auto about_build = [](const std::string& build, const std::string& kind) {
    sim::TestHost host;
    const std::string key = R"(registry { key: "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion" name: )";
    host.change(key + "\"CurrentBuildNumber\" text: \"" + build + "\" }");
    host.change(key + "\"InstallationType\" text: \"" + kind + "\" }");
    const auto test = check_host(host.view);
    for (const auto& check : test.checks()) {
      if (check.what() == "build of Windows") return check.found();
    }
    return std::string();
  };
  EXPECT_EQ(about_build("20348", "Server"), "20348");
  EXPECT_EQ(about_build("20348", "Server Core"), "20348");
  EXPECT_EQ(about_build("26200", "Client"), "26200");
  EXPECT_THAT(about_build("25398", "Server"), HasSubstr("taken as Windows Server 2022 (20348)"));
  EXPECT_THAT(about_build("19045", "Client"), HasSubstr("taken as Windows 10, version 1809 (17763)"));
}

TEST(Selftest, looks_at_every_area_and_changes_nothing) {
  const sim::TestHost host;
  const auto before = host.fingerprint();
  std::set<std::string> areas;
  const auto test = check_host(host.view);
  for (const auto& check : test.checks()) areas.insert(check.area());
  EXPECT_THAT(areas, ElementsAre("certificates", "events", "firewall", "listener", "registry", "services"));
  EXPECT_EQ(host.fingerprint(), before);
}

TEST(Selftest, a_value_of_another_type_differs) {
  sim::TestHost host;
  host.change(
      R"(registry { key: "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Terminal Server\\WinStations\\RDP-Tcp" name: "SecurityLayer" text: "2" })");
  EXPECT_THAT(differing(host), ElementsAre(Property(&Check::what, HasSubstr("RDP-Tcp\\SecurityLayer"))));
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
  const auto test = check_host(host.view);
  const auto policy = std::ranges::find_if(test.checks(), [](const auto& check) {
    return check.what() == R"(SOFTWARE\Policies\Microsoft\Windows NT\Terminal Services\SecurityLayer)";
  });
  ASSERT_NE(policy, test.checks().end());
  EXPECT_EQ(policy->outcome(), Check::OUTCOME_NOT_HERE);
}

TEST(Selftest, a_disabled_service_differs) {
  sim::TestHost host;
  host.change(R"(services { name: "SessionEnv" start_type: SERVICE_START_TYPE_DISABLED })");
  EXPECT_THAT(differing(host), ElementsAre(about("SessionEnv", "disabled start")));
}

TEST(Selftest, a_stopped_service_differs_only_if_every_healthy_host_runs_it) {
  sim::TestHost host;
  host.change(R"(services { name: "CertPropSvc" running: false })");
  EXPECT_THAT(differing(host), IsEmpty());
  host.change(R"(services { name: "nsi" running: false })");
  EXPECT_THAT(differing(host), ElementsAre(about("nsi", "automatic start, stopped")));
}

TEST(Selftest, either_start_type_that_healthy_hosts_have_is_expected) {
  sim::TestHost host;
  host.change(R"(services { name: "W32Time" start_type: SERVICE_START_TYPE_MANUAL })");
  EXPECT_THAT(differing(host), IsEmpty());
  host.change(R"(services { name: "W32Time" start_type: SERVICE_START_TYPE_DISABLED })");
  EXPECT_THAT(differing(host), ElementsAre(about("W32Time", "disabled start")));
}

std::string image_path(const std::string& command_line) {
  return R"(registry { key: "HKLM\\SYSTEM\\CurrentControlSet\\Services\\TermService" name: "ImagePath" text: ")" +
         command_line + "\" }";
}

TEST(Selftest, a_service_in_another_process_differs_and_a_clients_group_does_not) {
  sim::TestHost host;
  host.change(image_path(R"(%systemroot%\\system32\\svchost.exe -k NetworkService)"));
  EXPECT_THAT(differing(host), IsEmpty());
  host.change(image_path(R"(%SystemRoot%\\System32\\svchost.exe -k termsvcs -p)"));
  EXPECT_THAT(differing(host), ElementsAre(about("command line of TermService", "termsvcs -p")));
}

TEST(Selftest, a_time_source_that_does_not_answer_differs_only_where_one_is_asked) {
  sim::TestHost host;
  host.change("clock { no_reference: true }");
  EXPECT_THAT(differing(host), ElementsAre(about("clock", "no time source answers")));
  host.change(
      R"(registry { key: "HKLM\\SYSTEM\\CurrentControlSet\\Services\\W32Time\\Parameters" name: "Type" text: "NoSync" } clock { no_reference: true })");
  EXPECT_THAT(differing(host), ElementsAre(about("W32Time's Type", "NoSync")));
  host.change(
      R"(registry { key: "HKLM\\SOFTWARE\\Policies\\Microsoft\\W32Time\\Parameters" name: "Type" text: "NT5DS" })");
  EXPECT_THAT(differing(host), ElementsAre(about("clock", "no time source answers")))
      << "a policy goes over what is set locally";
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
  EXPECT_THAT(differing(host), ElementsAre(about("access list of", "missing allow S-1-5-20"), about("handshake", "")));
}

TEST(Selftest, a_key_file_whose_access_cannot_be_read_is_not_checked_and_never_as_expected) {
  const sim::TestHost host;
  for (const auto code : {ErrorCode::denied, ErrorCode::unsupported}) {
    EXPECT_THAT(complaints_with_locked_key(host, code),
                ElementsAre(of_outcome(Check::OUTCOME_NOT_CHECKED, "access list of", "cannot look at this key file")));
  }
}

TEST(Selftest, nothing_differs_on_a_healthy_host_of_any_build_that_was_measured) {
  for (const auto& known : stock_hosts()) {
    const sim::TestHost host(fmt::format("build: {}", known.build()));
    EXPECT_THAT(differing(host), IsEmpty()) << known.name();
  }
}

TEST(Selftest, the_third_entry_of_the_key_file_is_expected_as_the_build_has_it) {
  const sim::TestHost before("build: 14393");
  const sim::TestHost since("build: 17763");
  const auto expected = [](const sim::TestHost& host) {
    const auto test = check_host(host.view);
    for (const auto& check : test.checks()) {
      if (check.what().starts_with("access list of")) return check.expected();
    }
    return std::string();
  };
  EXPECT_THAT(expected(before), AllOf(HasSubstr("owner S-1-5-18"), HasSubstr("allow S-1-5-32-544 0x00120089"),
                                      Not(HasSubstr(std::string(sid::k_session_env)))));
  EXPECT_THAT(expected(since),
              AllOf(HasSubstr(std::string(sid::k_session_env) + " 0x001f01ff"), Not(HasSubstr("S-1-5-32-544"))));
}

TEST(Selftest, a_key_file_of_an_older_build_differs_on_a_newer_one) {
  sim::TestHost host("build: 14393");
  host.change(
      R"(registry { key: "HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion" name: "CurrentBuildNumber" text: "17763" })");
  EXPECT_THAT(differing(host), testing::Contains(about("access list of", "besides allow S-1-5-32-544 0x00120089")));
}

// The host, but for the access list of one registry key.
class DeniedRegistry final : public Registry {
 public:
  DeniedRegistry(const Registry& host, std::string key, v1::Ace added)
      : host_(host), key_(std::move(key)), added_(std::move(added)) {}
  Result<std::optional<RegistryValue>> value(std::string_view key, std::string_view name) const override {
    return host_.value(key, name);
  }
  Result<std::optional<v1::FileSecurity>> security(std::string_view key) const override {
    auto security = host_.security(key);
    if (key == key_) *(*security)->add_dacl() = added_;
    return security;
  }
  Status set(std::string_view, std::string_view, const RegistryValue&) override { return only_read(); }
  Status erase(std::string_view, std::string_view) override { return only_read(); }

 private:
  const Registry& host_;
  const std::string key_;
  const v1::Ace added_;
};

std::vector<Check> complaints_with_entry(const std::string& key, const std::string& ace) {
  const sim::TestHost host;
  const auto& view = host.view;
  const DeniedRegistry registry(view.registry, key, sim::parse<v1::Ace>(ace));
  return complaints({view.identity, view.clock, view.events, registry, view.certificates, view.key_files, view.services,
                     view.firewall, view.sessions, view.listener});
}

TEST(Selftest, a_deny_for_system_on_a_key_of_the_certificate_store_differs_wherever_it_stands) {
  for (const std::string key : {R"(SOFTWARE\Microsoft\SystemCertificates\Remote Desktop)",
                                R"(SOFTWARE\Microsoft\SystemCertificates\Remote Desktop\Certificates)"}) {
    EXPECT_THAT(complaints_with_entry(key, R"(type: TYPE_DENY sid: "S-1-5-18" mask: 0x6)"),
                ElementsAre(AllOf(about(key, "deny S-1-5-18 0x00000006"),
                                  Property(&Check::outcome, Check::OUTCOME_DIFFERENT))));
  }
}

TEST(Selftest, a_deny_that_is_for_subkeys_only_or_for_somebody_else_differs_in_nothing) {
  const std::string key = R"(SOFTWARE\Microsoft\SystemCertificates\Remote Desktop)";
  EXPECT_THAT(complaints_with_entry(key, R"(type: TYPE_DENY sid: "S-1-5-18" mask: 0x6 flags: 0xA)"), IsEmpty());
  EXPECT_THAT(complaints_with_entry(key, R"(type: TYPE_DENY sid: "S-1-5-32-546" mask: 0x6)"), IsEmpty());
}

TEST(Selftest, an_expired_certificate_differs_and_one_with_days_left_does_not) {
  sim::TestHost host;
  host.change(R"(certificate { valid_since { seconds: 14688000 } expires_in { seconds: 864000 } })");
  EXPECT_THAT(differing(host), IsEmpty()) << "nobody has measured when Windows renews";
  host.change(R"(certificate { valid_since { seconds: 15638400 } expires_in { seconds: -86400 } })");
  EXPECT_THAT(differing(host), ElementsAre(about("expiry of the self-signed certificate", "-1 days left")));
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
  const auto test = check_host(host.view);
  const auto layout = std::ranges::find_if(test.checks(), [](const auto& check) {
    return check.area() == "events" && check.outcome() == Check::OUTCOME_AS_EXPECTED &&
           check.what().starts_with("event ");
  });
  ASSERT_NE(layout, test.checks().end()) << "no logged event was compared";
  EXPECT_THAT(layout->found(), HasSubstr("="));
}

TEST(Selftest, the_table_counts_and_names_the_source) {
  const auto table = to_table(sim::parse<v1::SelfTestResponse>(R"(
    checks { area: "registry" what: "PortNumber" outcome: OUTCOME_DIFFERENT expected: "REG_DWORD" found: "text\x1b[31m"
             source: "a page" }
    checks { area: "services" what: "TermService" outcome: OUTCOME_AS_EXPECTED expected: "manual" found: "manual"
             source: "a page" })"));
  EXPECT_THAT(table, AllOf(HasSubstr("differs     registry      PortNumber\n"), HasSubstr("expected  REG_DWORD\n"),
                           HasSubstr("source    a page\n"),
                           HasSubstr("1 hold, 1 differ, 0 are not here, 0 were not checked.")));
  EXPECT_THAT(table, Not(HasSubstr("\x1b"))) << "what was found does not speak to the terminal";
}

TEST(Selftest, the_json_can_be_read_by_programs) {
  const sim::TestHost host;
  const auto test = check_host(host.view);
  google::protobuf::Struct root;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(to_json(test, host.view.identity), &root).ok());
  const auto& list = root.fields().at("checks").list_value();
  ASSERT_EQ(list.values_size(), test.checks_size());
  const auto& first = list.values(0).struct_value().fields();
  EXPECT_EQ(first.at("what").string_value(), test.checks(0).what());
  EXPECT_EQ(first.at("outcome").string_value(), to_word(test.checks(0).outcome()));
}

}  // namespace
}  // namespace rdpmend
