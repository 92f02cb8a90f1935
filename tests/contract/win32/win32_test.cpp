// What only the adapters for Windows promise.
#include <array>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <thread>

#include "agent-lib/knowledge/stock_host.hpp"
#include "agent-lib/sim/sim_certificates.hpp"
#include "agent-lib/win32/bounded_call.hpp"
#include "agent-lib/win32/certificate_key.hpp"
#include "agent-lib/win32/firewall_policy.hpp"
#include "agent-lib/win32/firewall_rule_text.hpp"
#include "agent-lib/win32/key_files.hpp"
#include "agent-lib/win32/network.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/privilege.hpp"
#include "agent-lib/win32/registry.hpp"
#include "agent-lib/win32/registry_watch.hpp"
#include "agent-lib/win32/services.hpp"
#include "agent-lib/win32/sntp.hpp"
#include "agent-lib/win32/text.hpp"
#include "tests/contract/win32/win32_stage.hpp"
#include "tests/contract/win32/wine.hpp"
#include "tests/wine/lab/channel_store.hpp"

#include <aclapi.h>

// The only way to delete a link instead of what it names; no header of the SDK declares it.
// https://learn.microsoft.com/windows-hardware/drivers/ddi/wdm/nf-wdm-zwdeletekey
extern "C" __declspec(dllimport) LONG NTAPI NtDeleteKey(HANDLE key);

namespace rdpmend::win32 {
namespace {

using namespace std::chrono_literals;
using contract::Win32Stage;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

TEST(Text, GoesThereAndBack) {
  const std::string text = "M\xC3\xBCnchen \xF0\x9F\x94\x91";
  EXPECT_EQ(narrow(widen(text)), text);
  EXPECT_EQ(widen("\xFF"), L"\xFFFD");
  EXPECT_EQ(narrow(L""), "");
  EXPECT_TRUE(same_name(L"TermService", L"TERMSERVICE"));
  EXPECT_FALSE(same_name(L"TermService", L"TermServic"));
}

TEST(OsError, HasKindWordsHintAndCode) {
  const auto denied = win32_error("cannot open it", ERROR_ACCESS_DENIED);
  EXPECT_EQ(denied.code, ErrorCode::denied);
  EXPECT_EQ(denied.what, "cannot open it: access is denied");
  EXPECT_NE(denied.hint, "");
  EXPECT_EQ(denied.os->domain, "win32");
  EXPECT_EQ(denied.os->value, 5);
}

TEST(OsError, AnHresultThatWrapsAWin32CodeIsThatCode) {
  EXPECT_EQ(hresult_error("x", E_ACCESSDENIED).code, ErrorCode::denied);
  EXPECT_EQ(hresult_error("x", E_ACCESSDENIED).os->domain, "win32");
  EXPECT_EQ(win32_error("x", 0x80092004).code, ErrorCode::not_found);
  EXPECT_EQ(win32_error("x", 0x80092004).os->domain, "hresult");
  EXPECT_EQ(win32_error("x", 0x80092004).os->value, 0x80092004);
}

TEST(OsError, WhatIsNotKnownIsToldInTheSystemsWords) {
  const auto error = win32_error("x", ERROR_DISK_FULL);
  EXPECT_EQ(error.code, ErrorCode::unavailable);
  EXPECT_GT(error.what.size(), 4U);
  EXPECT_NE(error.what.back(), '\n');
}

class RegistryTexts : public testing::Test {
 protected:
  static constexpr const char* k_key = R"(SOFTWARE\rdpmend contract\texts)";

  void SetUp() override {
    for (const char* name : {"a", "b", "c"}) RDPMEND_REQUIRE(stage.put(k_key, name, std::string("text")));
    RDPMEND_REQUIRE(stage.put(k_key, "number", std::uint32_t{1}));
  }
  void TearDown() override { RegDeleteTreeW(HKEY_LOCAL_MACHINE, widen(k_key).c_str()); }
  Status read(const std::function<void()>& meanwhile) {
    return for_each_text(
        k_key,
        [&] {
          ++readings;
          names.clear();
        },
        [&](std::string name, const std::string&) {
          names.push_back(std::move(name));
          meanwhile();
        });
  }

  Win32Stage stage;
  std::vector<std::string> names;
  int readings = 0;
};

TEST_F(RegistryTexts, AreReadOnceWhereNothingChanges) {
  ASSERT_TRUE(read([] {}));
  EXPECT_EQ(readings, 1);
  EXPECT_THAT(names, UnorderedElementsAre("a", "b", "c"));
}

TEST_F(RegistryTexts, AreReadAgainWhenTheKeyChangesMeanwhile) {
  // As the firewall does it: one rule goes, another comes, and their number is the same.
  ASSERT_TRUE(read([&] {
    if (readings != 1 || names.size() != 1) return;
    RegDeleteKeyValueW(HKEY_LOCAL_MACHINE, widen(k_key).c_str(), L"a");
    ASSERT_TRUE(stage.put(k_key, "d", std::string("text")));
  }));
  EXPECT_EQ(readings, 2);
  EXPECT_THAT(names, UnorderedElementsAre("b", "c", "d"));
}

TEST_F(RegistryTexts, OfAKeyThatNeverRestsAreAnError) {
  std::uint32_t number = 0;
  const auto status = read([&] { ASSERT_TRUE(stage.put(k_key, "number", ++number)); });
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::unavailable);
}

TEST_F(RegistryTexts, OfAKeyThatDoesNotExistAreNone) {
  int begun = 0;
  EXPECT_TRUE(for_each_text(R"(SOFTWARE\rdpmend contract\no such)", [&] { ++begun; }, [](auto, auto) { FAIL(); }));
  EXPECT_EQ(begun, 1);
}

// What Group Policy says of the firewall; of the laboratory only.
class FirewallPolicy : public testing::Test {
 protected:
  static constexpr const char* k_policies = R"(SOFTWARE\Policies\Microsoft\WindowsFirewall)";

  void SetUp() override {
    if (!contract::is_wine()) GTEST_SKIP() << "the policy of a real computer is not changed";
    const auto now = status();
    ASSERT_EQ(now.active_profiles, k_profile_domain);
    ASSERT_EQ(now.enabled_profiles, k_all);
  }
  void TearDown() override {
    if (!contract::is_wine()) return;
    for (const char* profile : {"Domain", "Private", "Public", "Standard"}) {
      RegDeleteTreeW(HKEY_LOCAL_MACHINE, widen(key_of(profile)).c_str());
    }
  }
  static std::string key_of(const std::string& profile) { return std::string(k_policies) + "\\" + profile + "Profile"; }
  void put(const std::string& profile, const std::string& name, std::uint32_t value) {
    ASSERT_TRUE(stage.put(key_of(profile), name, value));
  }
  FirewallStatus status() { return stage.host().firewall.status().value(); }

  static constexpr std::uint32_t k_all = k_profile_domain | k_profile_private | k_profile_public;
  Win32Stage stage;
};

TEST_F(FirewallPolicy, SwitchesAProfileOffAndOnWhateverIsSetLocally) {
  put("Domain", "EnableFirewall", 0);
  EXPECT_EQ(status().enabled_profiles, k_profile_private | k_profile_public);
  put("Domain", "EnableFirewall", 1);
  EXPECT_EQ(status().enabled_profiles, k_all);
}

TEST_F(FirewallPolicy, OfTheOldStandardProfileCountsWhereThereIsNoNewerOne) {
  put("Standard", "EnableFirewall", 0);
  EXPECT_EQ(status().enabled_profiles, k_profile_domain);
  put("Public", "DoNotAllowExceptions", 0);
  EXPECT_EQ(status().enabled_profiles, k_all);
}

TEST_F(FirewallPolicy, BlocksAllInboundByProfile) {
  put("Public", "DoNotAllowExceptions", 1);
  EXPECT_EQ(status().block_all_inbound, k_profile_public);
  put("Domain", "DoNotAllowExceptions", 1);
  EXPECT_EQ(status().block_all_inbound, k_profile_domain | k_profile_public);
}

TEST_F(FirewallPolicy, IgnoresLocalRulesByProfile) {
  put("Public", "AllowLocalPolicyMerge", 0);
  EXPECT_EQ(status().local_rules_ignored, k_profile_public);
  put("Domain", "AllowLocalPolicyMerge", 0);
  EXPECT_EQ(status().local_rules_ignored, k_profile_domain | k_profile_public);
}

// Whether Windows lists a policy's rules among the local ones is not known; here the double does.
TEST_F(FirewallPolicy, ACopyOfARuleInAPolicyDoesNotHideTheLocalOne) {
  const auto rule = stage.firewall_rule();
  RDPMEND_REQUIRE(rule);
  ASSERT_TRUE(stage.host().firewall.set_enabled(*rule, false));
  const auto local =
      read_text(Win32Registry{},
                R"(SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules)", *rule);
  ASSERT_TRUE(local && *local);
  auto enabled = **local;
  const auto active = enabled.find("Active=FALSE");
  ASSERT_NE(active, std::string::npos);
  enabled.replace(active, 12, "Active=TRUE");
  ASSERT_TRUE(
      stage.put(std::string(k_policies) + R"(\FirewallRules)", "{2F4E1C58-6D0B-4D1B-8C6A-0D6E54B3A9F7}", enabled));
  const auto changed = stage.host().firewall.set_enabled(*rule, true);
  RegDeleteTreeW(HKEY_LOCAL_MACHINE, widen(std::string(k_policies) + R"(\FirewallRules)").c_str());
  EXPECT_TRUE(changed) << to_string(changed.error());
  const auto now = find_local_rule(stage.host().firewall, *rule);
  ASSERT_TRUE(now && *now);
  EXPECT_TRUE((*now)->enabled);
}

// measured.md F5: it is no shutdown, and "no endpoint" says nothing to anybody.
TEST_F(FirewallPolicy, AFirewallThatDoesNotAnswerIsUnknownAndSaysWhatToDo) {
  for (const std::uint32_t answer : {0x800706D9u, 0x8007045Bu}) {
    ASSERT_TRUE(stage.put(R"(SOFTWARE\rdpmend-lab)", "FirewallAnswers", answer));
    const auto status = stage.host().firewall.status();
    ASSERT_TRUE(stage.put(R"(SOFTWARE\rdpmend-lab)", "FirewallAnswers", std::uint32_t{0}));
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::unavailable);
    EXPECT_NE(status.error().hint.find("mpssvc"), std::string::npos) << to_string(status.error());
  }
}

// Of the laboratory only: session hosts have been seen with ten times as many, leaked with each logon.
TEST(FirewallObjects, ARuleIsFoundAmongVeryMany) {
  if (!contract::is_wine()) GTEST_SKIP() << "a real computer is not filled with rules";
  constexpr int k_many = 21'000;
  const auto name = [](int i) { return L"rdpmend-contract-" + std::to_wstring(i); };
  HKEY key = nullptr;
  ASSERT_EQ(
      RegOpenKeyExW(HKEY_LOCAL_MACHINE,
                    L"SYSTEM\\CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy\\FirewallRules", 0,
                    KEY_SET_VALUE, &key),
      ERROR_SUCCESS);
  const std::wstring text = L"v2.31|Action=Allow|Active=TRUE|Dir=In|LUOwn=S-1-5-21-1-2-3-1000|AppPkgId=S-1-15-2-1-2-3|";
  for (int i = 0; i < k_many; ++i) {
    RegSetValueExW(key, name(i).c_str(), 0, REG_SZ, reinterpret_cast<const BYTE*>(text.c_str()),
                   static_cast<DWORD>((text.size() + 1) * sizeof(wchar_t)));
  }
  Win32Stage stage;
  const auto rule = stage.firewall_rule();
  const auto found = rule ? stage.host().firewall.set_enabled(*rule, true) : Status{};
  for (int i = 0; i < k_many; ++i) RegDeleteValueW(key, name(i).c_str());
  RegCloseKey(key);
  RDPMEND_REQUIRE(rule);
  EXPECT_TRUE(found) << to_string(found.error());
}

TEST(FirewallObjects, AreNotSearchedPastTheDeadline) {
  const ComApartment apartment;
  const auto policy = open_policy();
  RDPMEND_REQUIRE(policy);
  const auto found = find_rule_object(policy->get(), {}, std::chrono::steady_clock::now());
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::timeout);
}

TEST(FirewallRuleText, IsReadAsWindowsWritesIt) {
  const auto rule = parse_rule_text(
      "RemoteDesktop-UserMode-In-TCP",
      R"(v2.30|Action=Allow|Active=FALSE|Dir=In|Protocol=6|LPort=3389|App=%SystemRoot%\system32\svchost.exe|)"
      R"(Svc=termservice|Name=@FirewallAPI.dll,-28775|Desc=@FirewallAPI.dll,-28756|EmbedCtxt=@FirewallAPI.dll,-28752|)");
  ASSERT_TRUE(rule);
  EXPECT_EQ(rule->id, "RemoteDesktop-UserMode-In-TCP");
  EXPECT_EQ(rule->group, k_remote_desktop_group);
  EXPECT_FALSE(rule->enabled);
  EXPECT_TRUE(rule->allow);
  EXPECT_TRUE(rule->inbound);
  EXPECT_EQ(rule->protocol, 6U);
  EXPECT_EQ(rule->local_ports, "3389");
  EXPECT_EQ(rule->profiles, k_profile_all);
  EXPECT_EQ(rule->application, R"(%SystemRoot%\system32\svchost.exe)");
  EXPECT_EQ(rule->service, "termservice");
  EXPECT_EQ(rule->remote_addresses, "*");
}

TEST(FirewallRuleText, FieldsMayComeMoreThanOnce) {
  const auto rule =
      parse_rule_text("{F7EE5C6D-6C90-456B-9166-E301B1305A56}",
                      R"(v2.10|Action=Block|Active=TRUE|Dir=Out|Protocol=17|Profile=Domain|Profile=Private|LPort=3389|)"
                      R"(LPort2_10=5000-5010|RA4=LocalSubnet|RA6=LocalSubnet|RA4=192.0.2.0/255.255.255.0|)");
  ASSERT_TRUE(rule);
  EXPECT_FALSE(rule->allow);
  EXPECT_FALSE(rule->inbound);
  EXPECT_EQ(rule->profiles, k_profile_domain | k_profile_private);
  EXPECT_EQ(rule->local_ports, "3389,5000-5010");
  EXPECT_EQ(rule->remote_addresses, "LocalSubnet,192.0.2.0/255.255.255.0");
}

TEST(FirewallRuleText, ARuleOfAnAppOrOfAUserIsLeftOut) {
  const std::string rule = "v2.30|Action=Allow|Active=TRUE|Dir=In|Profile=Domain|Profile=Private|Name=@{Microsoft.x}|";
  EXPECT_TRUE(parse_rule_text("x", rule));
  EXPECT_FALSE(parse_rule_text(
      "{3D860988-2D74-4B56-9311-8CEC8F26648C}",
      rule +
          "LUOwn=S-1-5-21-2468057532-1901412999-489411066-1000|AppPkgId=S-1-15-2-2473817148-3930944034-1235795307|"));
  EXPECT_FALSE(parse_rule_text("x", rule + "PFN=Microsoft.WindowsCalculator_8wekyb3d8bbwe|"));
  EXPECT_FALSE(parse_rule_text("x", rule + "LUOwn=S-1-12-1-910410835-1306523740|"));
}

TEST(FirewallRuleText, WhatLimitsARuleIsSeen) {
  const std::string rule = "v2.33|Action=Block|Active=TRUE|Dir=In|Protocol=6|LPort=3389|Name=x|Desc=y|Edge=TRUE|";
  EXPECT_FALSE(parse_rule_text("x", rule)->narrowed);
  for (const char* limit : {"LA4=192.0.2.1", "LA6=2001:db8::1", "IF={9A7E6A0D-0BF5-4E10-8D6B-9E2C6A1B0F10}",
                            "IFType=RemoteAccess", "RPort=5000", "RPort2_10=5000-5010", "RMauth=O:LSD:(A;;CC;;;DC)",
                            "RUAuth=O:LSD:(A;;CC;;;DU)", "LUAuth=O:LSD:(A;;CC;;;S-1-2-1)", "Security=Authenticate",
                            "Security2=AnE-Nego", "TTK2_22=WFDDisplay", "NNm=y", "OfABuildToCome=1"}) {
    const auto limited = parse_rule_text("x", rule + limit + "|");
    EXPECT_TRUE(limited->narrowed) << limit;
    EXPECT_NE(definition_of(*limited), definition_of(*parse_rule_text("x", rule))) << limit;
  }
}

TEST(FirewallRuleText, KeywordsOfNewerBuildsAreAddressesAndPorts) {
  const auto rule = parse_rule_text("x",
                                    "v2.20|Action=Block|Active=TRUE|Dir=In|Protocol=17|LPort2_20=Ply2Disc|"
                                    "RA42=IntErnet|RA62=IntErnet|");
  EXPECT_EQ(rule->local_ports, "Ply2Disc");
  EXPECT_EQ(rule->remote_addresses, "IntErnet");
  EXPECT_FALSE(rule->narrowed);
}

TEST(FirewallRuleText, WhatIsNoRuleIsNone) {
  EXPECT_FALSE(parse_rule_text("x", ""));
  EXPECT_FALSE(parse_rule_text("x", "Action=Allow|"));
  EXPECT_TRUE(parse_rule_text("x", "v2.30"));
  EXPECT_TRUE(parse_rule_text("x", "v2.30|||=|=x|Dir|"));
}

// PlugPlay always runs; on Windows it shares its process, as SessionEnv does on Server 2016.
TEST(Services, HowLongOneRunsCountsFromWhenItWasFirstSeen) {
  const Win32Services services;
  const auto running_for = [&] { return services.find("PlugPlay").value()->running_for; };
  const auto first = running_for();
  EXPECT_EQ(first, std::optional<Duration>(Duration::zero()));
  Sleep(50);
  EXPECT_GE(running_for(), std::optional<Duration>(40ms));
}

TEST(KeyFilePath, TakesPlainNamesInTheMachineKeysFolderOnly) {
  EXPECT_THAT(narrow(key_file_path(k_machine_keys_folder, "a_b").value()),
              HasSubstr(R"(\Microsoft\Crypto\RSA\MachineKeys\a_b)"));
  for (const char* name : {"", ".", "..", R"(..\a)", "a/b", "a:stream", R"(C:\a)"}) {
    EXPECT_EQ(key_file_path(k_machine_keys_folder, name).error().code, ErrorCode::invalid_argument) << name;
  }
  EXPECT_FALSE(key_file_path(R"(RSA\S-1-5-18)", "a"));
}

TEST(PrivateKey, ThatCannotBeOpenedIsMissingOrDamagedOnlyWhereThatIsCertain) {
  const auto meaning = [](HRESULT code, ContainerFile file) {
    return meaning_of_failure(static_cast<DWORD>(code), file);
  };
  EXPECT_EQ(meaning(NTE_KEYSET_ENTRY_BAD, ContainerFile::readable), KeyUse::corrupt);
  EXPECT_EQ(meaning(NTE_BAD_KEYSET, ContainerFile::absent), KeyUse::missing);
  EXPECT_EQ(meaning(NTE_BAD_KEYSET, ContainerFile::denied), KeyUse::denied);
  EXPECT_EQ(meaning(NTE_BAD_KEYSET, ContainerFile::empty), KeyUse::corrupt);
  EXPECT_EQ(meaning(NTE_BAD_KEYSET, ContainerFile::readable), KeyUse::corrupt);
  EXPECT_EQ(meaning(NTE_BAD_KEYSET, ContainerFile::unknown).error().code, ErrorCode::unavailable);
  EXPECT_EQ(meaning(NTE_KEYSET_NOT_DEF, ContainerFile::absent).error().code, ErrorCode::unsupported);
  EXPECT_EQ(meaning(NTE_PERM, ContainerFile::absent), KeyUse::denied);
}

// Keys of a provider that keeps its files elsewhere, or none.
TEST(PrivateKey, OfAnotherProviderIsNeverCalledMissing) {
  Win32Stage stage;
  const auto store = stage.store();
  RDPMEND_REQUIRE(store);
  auto host = stage.host();
  for (const std::string provider : {"Microsoft Software Key Storage Provider",
                                     "Microsoft Base Smart Card Crypto Provider", "rdpmend no such provider"}) {
    const auto noon = std::chrono::sys_days{std::chrono::year{2024} / 5 / 1} + 12h;
    v1::CertificateCopy copy;
    copy.set_der(sim::make_self_signed(
        sim::make_key_pair(false),
        {.common_name = "contract.example.net", .not_before = noon, .not_after = noon + std::chrono::days{30}}));
    copy.set_key_container("rdpmend-contract-none");
    copy.set_key_provider(provider);
    const auto sha1 = sim::read_certificate(copy.der()).value().sha1;
    RDPMEND_REQUIRE(host.certificates.add(*store, copy));
    const auto use = host.certificates.key_use(*store, sha1);
    EXPECT_TRUE(host.certificates.remove(*store, sha1));
    EXPECT_FALSE(use) << provider << ": " << static_cast<int>(*use);
  }
}

// A second name of a key file, as long as this lives.
class SecondHardLink {
 public:
  SecondHardLink(const std::string& folder, const std::string& file) {
    const auto path = key_file_path(folder, file).value();
    second_ = path + L"-link";
    DeleteFileW(second_.c_str());
    made_ = CreateHardLinkW(second_.c_str(), path.c_str(), nullptr) != FALSE;
  }
  ~SecondHardLink() { DeleteFileW(second_.c_str()); }
  SecondHardLink(const SecondHardLink&) = delete;
  SecondHardLink& operator=(const SecondHardLink&) = delete;
  bool made() const { return made_; }

 private:
  std::wstring second_;
  bool made_ = false;
};

TEST(KeyFile, WithASecondHardLinkIsNotPlainAndIsNotTouched) {
  Win32Stage stage;
  const auto name = stage.key_file();
  RDPMEND_REQUIRE(name);
  const SecondHardLink link(name->folder, name->file);
  ASSERT_TRUE(link.made());
  auto host = stage.host();
  const auto found = host.key_files.find(name->folder, name->file);
  const auto written = host.key_files.write_dacl(name->folder, name->file, {});
  ASSERT_TRUE(found && *found);
  EXPECT_FALSE((*found)->plain);
  EXPECT_EQ(written.error().code, ErrorCode::denied);
}

TEST(KeyFile, AFolderInItsPlaceIsNotPlain) {
  Win32Stage stage;
  const auto name = stage.key_file();
  RDPMEND_REQUIRE(name);
  const auto path = key_file_path(name->folder, "rdpmend-contract-folder").value();
  ASSERT_TRUE(CreateDirectoryW(path.c_str(), nullptr));
  const auto found = stage.host().key_files.find(name->folder, "rdpmend-contract-folder");
  RemoveDirectoryW(path.c_str());
  ASSERT_TRUE(found && *found);
  EXPECT_FALSE((*found)->plain);
}

// As on a host: SYSTEM, which these tests stand for, owns it, and of the list that a build gives it some entries are
// gone.
class DamagedKeyFile : public testing::TestWithParam<std::uint32_t> {
 protected:
  void SetUp() override {
    if (!contract::is_wine()) GTEST_SKIP() << "only in the laboratory these tests are SYSTEM";
    const auto name = stage.key_file();
    RDPMEND_REQUIRE(name);
    file = name->file;
    path = key_file_path(name->folder, file).value();
    ASSERT_EQ(set_owner(WinLocalSystemSid), DWORD{ERROR_SUCCESS});
  }
  DWORD set_owner(WELL_KNOWN_SID_TYPE type) const {
    std::array<std::byte, SECURITY_MAX_SID_SIZE> sid{};
    DWORD size = sid.size();
    CreateWellKnownSid(type, nullptr, sid.data(), &size);
    return SetNamedSecurityInfoW(std::wstring(path).data(), SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, sid.data(),
                                 nullptr, nullptr, nullptr);
  }
  static v1::FileSecurity stock() { return stock_key_file_security(GetParam()); }
  // Without SYSTEM and without the groups of its token.
  static v1::FileSecurity without_system() {
    const auto all = stock();
    auto security = all;
    security.clear_dacl();
    for (const auto& ace : all.dacl()) {
      if (ace.sid() != sid::k_system && ace.sid() != sid::k_administrators) *security.add_dacl() = ace;
    }
    return security;
  }
  Result<std::optional<KeyFile>> find() { return host.key_files.find(k_machine_keys_folder, file); }
  Status write(const v1::FileSecurity& security) {
    return host.key_files.write_dacl(k_machine_keys_folder, file, security);
  }
  std::string contents() const {
    std::ifstream in{std::filesystem::path(path), std::ios::binary};
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static std::string text(const v1::FileSecurity& security) { return security.ShortDebugString(); }

  Win32Stage stage;
  HostControl host = stage.host();
  std::string file;
  std::wstring path;
};

TEST_P(DamagedKeyFile, ItsOwnerReadsAndMendsAListThatHasNoEntryForIt) {
  ASSERT_TRUE(write(without_system()));
  const UniqueFile opened{CreateFileW(path.c_str(), READ_CONTROL | WRITE_DAC, 0, nullptr, OPEN_EXISTING, 0, nullptr)};
  ASSERT_FALSE(opened) << "there is nothing to show: CreateFile may open it";
  const auto found = find();
  ASSERT_TRUE(found) << to_string(found.error());
  EXPECT_TRUE((*found)->plain);
  EXPECT_EQ(text((*found)->security), text(without_system()));

  const auto mended = write(stock());
  ASSERT_TRUE(mended) << to_string(mended.error());
  EXPECT_EQ(text(find()->value().security), text(stock()));
}

TEST_P(DamagedKeyFile, IsDeniedWhereAnotherOwnsIt) {
  ASSERT_EQ(set_owner(WinNetworkServiceSid), DWORD{ERROR_SUCCESS});
  ASSERT_TRUE(write(without_system()));
  EXPECT_EQ(find().error().code, ErrorCode::denied);
  EXPECT_EQ(write(stock()).error().code, ErrorCode::denied);
}

TEST_P(DamagedKeyFile, IsKeptAndPutBackThoughItsListLetsUsNotIntoIt) {
  const auto before = contents();
  ASSERT_FALSE(before.empty());
  ASSERT_TRUE(write(without_system()));
  ASSERT_TRUE(contents().empty()) << "there is nothing to show: it may be read";
  const auto kept = host.key_files.keep(k_machine_keys_folder, file, "rdpmend-contract-damaged");
  ASSERT_TRUE(kept) << to_string(kept.error());
  ASSERT_TRUE(DeleteFileW(path.c_str()));

  const auto put_back = host.key_files.put_back("rdpmend-contract-damaged", k_machine_keys_folder, file);
  ASSERT_TRUE(put_back) << to_string(put_back.error());
  EXPECT_EQ(text(find()->value().security), text(without_system()));
  ASSERT_TRUE(write(stock()));
  EXPECT_EQ(contents(), before);
}

INSTANTIATE_TEST_SUITE_P(OfABuild, DamagedKeyFile, testing::Values(14393U, 20348U),
                         [](const auto& build) { return std::to_string(build.param); });

class KeptKeys : public testing::Test {
 protected:
  void SetUp() override {
    RDPMEND_REQUIRE(name);
    std::filesystem::remove_all(Win32Stage::kept_folder());
    std::filesystem::create_directories(Win32Stage::kept_folder());
  }
  Status keep(const std::string& as) { return host.key_files.keep(name->folder, name->file, as); }
  Status put_back(const std::string& kept) { return host.key_files.put_back(kept, name->folder, name->file); }

  Win32Stage stage;
  HostControl host = stage.host();
  const Result<contract::KeyFileName> name = stage.key_file();
};

TEST_F(KeptKeys, TheNewestEightStay) {
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(keep("copy-" + std::to_string(i)));
    const auto now = std::filesystem::file_time_type::clock::now();
    const auto file = Win32Stage::kept_folder() / ("copy-" + std::to_string(i) + ".kept");
    std::filesystem::last_write_time(file, now - std::chrono::hours(10 - i));
  }
  ASSERT_TRUE(keep("copy-10"));
  EXPECT_EQ(put_back("copy-2").error().code, ErrorCode::not_found);
  EXPECT_TRUE(put_back("copy-3"));
  EXPECT_TRUE(put_back("copy-10"));
}

TEST_F(KeptKeys, ACopyThatIsDamagedIsNotPutBack) {
  ASSERT_TRUE(keep("copy"));
  std::filesystem::resize_file(Win32Stage::kept_folder() / "copy.kept", 30);
  EXPECT_EQ(put_back("copy").error().code, ErrorCode::corrupt);
  EXPECT_GT(host.key_files.find(name->folder, name->file).value().value().size, 0U);
}

TEST_F(KeptKeys, HavePlainNamesAndAFolder) {
  EXPECT_EQ(keep("..\\copy").error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(put_back("C:copy").error().code, ErrorCode::invalid_argument);
  Win32KeyFiles without_folder{{}};
  EXPECT_EQ(without_folder.keep(name->folder, name->file, "copy").error().code, ErrorCode::unsupported);
}

TEST_F(KeptKeys, WhatLiesAsideIsNotForgottenWithOldCopiesAndKeepsItsTimes) {
  const auto path = std::filesystem::path(key_file_path(name->folder, name->file).value());
  const auto written = std::filesystem::file_time_type::clock::now() - std::chrono::hours(100);
  std::filesystem::last_write_time(path, written);
  const auto before = std::filesystem::last_write_time(path);
  ASSERT_TRUE(host.key_files.move_aside(name->folder, name->file, "damaged"));
  RDPMEND_REQUIRE(stage.key_file());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(keep("copy-" + std::to_string(i)));
  ASSERT_TRUE(DeleteFileW(path.c_str()));
  ASSERT_TRUE(host.key_files.move_back("damaged", name->folder, name->file));
  EXPECT_EQ(std::filesystem::last_write_time(path), before);
}

TEST(KeyFile, ThatIsALinkIsNotMovedAside) {
  Win32Stage stage;
  const auto name = stage.key_file();
  RDPMEND_REQUIRE(name);
  const SecondHardLink link(name->folder, name->file);
  ASSERT_TRUE(link.made());
  const auto moved = stage.host().key_files.move_aside(name->folder, name->file, "linked");
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, ErrorCode::denied);
}

// The link leads to a key that may be written to; nothing arrives there.
TEST(RegistryLink, IsNeitherFollowedNorWrittenTo) {
  Win32Stage stage;
  constexpr const char* k_target = R"(SOFTWARE\rdpmend contract\target)";
  constexpr const char* k_link = R"(SOFTWARE\rdpmend contract\link)";
  RDPMEND_REQUIRE(stage.put(k_target, "value", std::uint32_t{1}));
  UniqueKey link;
  const auto made = RegCreateKeyExW(HKEY_LOCAL_MACHINE, widen(k_link).c_str(), 0, nullptr,
                                    REG_OPTION_VOLATILE | REG_OPTION_CREATE_LINK, KEY_ALL_ACCESS | KEY_WOW64_64KEY,
                                    nullptr, link.out(), nullptr);
  if (made != ERROR_SUCCESS) GTEST_SKIP() << "no link can be made here: error " << made;
  const auto target = L"\\Registry\\Machine\\" + widen(k_target);  // Without a NUL at its end.
  ASSERT_EQ(RegSetValueExW(link.get(), L"SymbolicLinkValue", 0, REG_LINK, reinterpret_cast<const BYTE*>(target.c_str()),
                           static_cast<DWORD>(target.size() * sizeof(wchar_t))),
            ERROR_SUCCESS);
  Win32Registry registry;
  const auto seen = read_dword(registry, k_link, "value");
  const auto written = registry.set(k_link, "value", std::uint32_t{2});
  const auto erased = registry.erase(k_link, "value");
  UniqueKey itself;
  if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, widen(k_link).c_str(), REG_OPTION_OPEN_LINK, DELETE | KEY_WOW64_64KEY,
                    itself.out()) == ERROR_SUCCESS) {
    NtDeleteKey(itself.get());
  }
  EXPECT_EQ(seen, 1U) << "there is nothing to show: the link leads nowhere";
  ASSERT_FALSE(written);
  ASSERT_FALSE(erased);
  EXPECT_EQ(written.error().code, ErrorCode::denied);
  EXPECT_EQ(erased.error().code, ErrorCode::denied);
  EXPECT_EQ(read_dword(registry, k_target, "value"), 1U);
}

bool is_enabled(const wchar_t* name) {
  UniqueKernel token;
  if (!OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, token.out()) &&
      !OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, token.out())) {
    return false;
  }
  PRIVILEGE_SET wanted{1, PRIVILEGE_SET_ALL_NECESSARY, {}};
  BOOL held = FALSE;
  LookupPrivilegeValueW(nullptr, name, &wanted.Privilege[0].Luid);
  return PrivilegeCheck(token.get(), &wanted, &held) && held;
}

TEST(Privileges, AreEnabledForOneThreadAndGivenBack) {
  ASSERT_TRUE(disable_privileges({SE_BACKUP_NAME}));
  ASSERT_FALSE(is_enabled(SE_BACKUP_NAME));
  {
    const auto enabled = EnabledPrivileges::enable({SE_BACKUP_NAME}, "cannot test");
    if (!enabled) GTEST_SKIP() << to_string(enabled.error());
    EXPECT_TRUE(is_enabled(SE_BACKUP_NAME));
    bool elsewhere = true;
    std::jthread([&] { elsewhere = is_enabled(SE_BACKUP_NAME); }).join();
    EXPECT_FALSE(elsewhere);
  }
  EXPECT_FALSE(is_enabled(SE_BACKUP_NAME));
}

TEST(Privileges, ThatTheTokenLacksAreDenied) {
  const auto enabled = EnabledPrivileges::enable({SE_CREATE_TOKEN_NAME}, "cannot test");
  ASSERT_FALSE(enabled);
  EXPECT_EQ(enabled.error().code, ErrorCode::denied);
  UniqueKernel token;
  EXPECT_FALSE(OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, TRUE, token.out())) << "the thread kept a token";
}

TEST(PrivateKey, OfATrialLeavesNoContainerBehind) {
  ASSERT_TRUE(make_trial_key());
  const auto container = L"rdpmend-trial-" + std::to_wstring(GetCurrentProcessId());
  HCRYPTPROV provider = 0;
  EXPECT_FALSE(CryptAcquireContextW(&provider, container.c_str(), MS_ENHANCED_PROV_W, PROV_RSA_FULL,
                                    CRYPT_MACHINE_KEYSET | CRYPT_SILENT));
}

// Of the laboratory only: a real log is not cleared for a test.
TEST(EventChannels, ALogThatIsClearedBeforeItWasReadIsAGap) {
  Win32Stage stage;
  const auto kind = stage.event_kind();
  RDPMEND_REQUIRE(kind);
  if (!contract::is_wine()) GTEST_SKIP() << "the log of a real computer is not cleared";
  auto host = stage.host();
  const ChannelQuery query{kind->channel, "*"};
  auto subscription = host.events.subscribe(query, std::nullopt);
  ASSERT_TRUE(subscription) << to_string(subscription.error());
  ASSERT_TRUE(stage.log_event());
  const auto read = (*subscription)->next(64);
  ASSERT_TRUE(read) << to_string(read.error());
  ASSERT_EQ(read->xml.size(), 1U);

  ASSERT_TRUE(stage.log_event());
  lab::Channel::open(kind->channel)->clear();
  ASSERT_TRUE(stage.log_event());
  ASSERT_TRUE(stage.log_event());
  EXPECT_EQ((*subscription)->next(64).error().code, ErrorCode::corrupt);

  subscription = host.events.subscribe(query, read->bookmark);
  ASSERT_TRUE(subscription) << to_string(subscription.error());
  const auto left = (*subscription)->next(64);
  ASSERT_TRUE(left) << to_string(left.error());
  EXPECT_TRUE(left->gap);
  EXPECT_EQ(left->xml.size(), 2U) << "the oldest that is left is not skipped";
}

TEST(EventChannels, ASubscriptionThatIsSignalledAndGivesNothingFailsAndIsOpenedAgain) {
  Win32Stage stage;
  const auto kind = stage.event_kind();
  RDPMEND_REQUIRE(kind);
  if (!contract::is_wine()) GTEST_SKIP() << "Windows cannot be asked to do that";
  auto host = stage.host();
  auto channel = *lab::Channel::open(kind->channel);
  const auto open = [&](bool silent) {
    channel.set_silent(silent);
    auto subscription = host.events.subscribe({kind->channel, "*"}, std::nullopt);
    channel.set_silent(false);
    return subscription;
  };
  const auto healthy = open(false);
  const auto silent = open(true);
  ASSERT_TRUE(healthy && silent);
  for (const auto* subscription : {&healthy, &silent}) {
    const auto nothing = (**subscription)->next(64);
    ASSERT_TRUE(nothing) << to_string(nothing.error());
    EXPECT_TRUE(nothing->xml.empty());
  }
  ASSERT_TRUE(stage.log_event());
  Result<EventBatch> answer = EventBatch{};
  for (int i = 0; i < 10 && answer; ++i) {
    host.events.wait({}, 1s);
    answer = (*silent)->next(64);
  }
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::unavailable);
  EXPECT_EQ((*healthy)->next(64)->xml.size(), 1U);
  EXPECT_TRUE((*healthy)->next(64)) << "a signal that is left over from what was read proves nothing";
}

TEST(EventChannels, AStormIsReadInBatchesAndNoneIsLost) {
  Win32Stage stage;
  const auto kind = stage.event_kind();
  RDPMEND_REQUIRE(kind);
  auto host = stage.host();
  auto subscription = host.events.subscribe({kind->channel, "*[System[EventID=" + std::to_string(kind->id) + "]]"}, {});
  ASSERT_TRUE(subscription) << to_string(subscription.error());
  for (int i = 0; i < 100; ++i) RDPMEND_REQUIRE(stage.log_event());
  std::size_t found = 0;
  for (int i = 0; i < 100 && found < 100; ++i) {
    const auto batch = (*subscription)->next(37);
    ASSERT_TRUE(batch) << to_string(batch.error());
    EXPECT_LE(batch->xml.size(), 37U);
    found += batch->xml.size();
    if (batch->xml.empty()) host.events.wait({}, 1s);
  }
  EXPECT_EQ(found, 100U);
}

TEST(EventChannels, WhatIsNoBookmarkIsCorrupt) {
  Win32Stage stage;
  const auto kind = stage.event_kind();
  RDPMEND_REQUIRE(kind);
  EXPECT_EQ(stage.host().events.subscribe({kind->channel, "*"}, "no bookmark").error().code, ErrorCode::corrupt);
}

TEST(BoundedCall, GivesTheAnswerOfACallThatReturns) {
  const BoundedCall<int> bounded;
  EXPECT_EQ(bounded.run("x", 10s, [] { return Result<int>(7); }), 7);
  EXPECT_EQ(bounded.run("x", 10s, []() -> Result<int> { throw std::runtime_error("no"); }).error().code,
            ErrorCode::internal);
  EXPECT_EQ(bounded.run("x", 10s, [] { return Result<int>(8); }), 8);
}

TEST(BoundedCall, WhileOneHangsNoOtherIsMade) {
  const BoundedCall<int> bounded;
  struct Gate {
    UniqueKernel open{CreateEventW(nullptr, TRUE, FALSE, nullptr)};
    std::atomic<int> calls = 0;
  };
  const auto gate = std::make_shared<Gate>();
  const auto hang = [gate] {
    ++gate->calls;
    WaitForSingleObject(gate->open.get(), 60'000);
    return Result<int>(1);
  };
  EXPECT_EQ(bounded.run("x", 50ms, hang).error().code, ErrorCode::timeout);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(bounded.run("x", 10s, hang).error().code, ErrorCode::timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  EXPECT_EQ(gate->calls, 1);
  SetEvent(gate->open.get());
  Result<int> again = fail(ErrorCode::timeout, "");
  for (int i = 0; i < 100 && !again; ++i) {
    again = bounded.run("x", 10s, [] { return Result<int>(2); });
    if (!again) Sleep(50);
  }
  EXPECT_EQ(again, 2);
}

// Counts calls, and waits for them.
class Counter {
 public:
  std::function<void()> callback() {
    return [this] {
      ++calls_;
      SetEvent(called_.get());
    };
  }
  bool comes() { return WaitForSingleObject(called_.get(), 10'000) == WAIT_OBJECT_0; }
  int calls() const { return calls_; }

 private:
  std::atomic<int> calls_ = 0;
  UniqueKernel called_{CreateEventW(nullptr, FALSE, FALSE, nullptr)};
};

TEST(RegistryWatch, TellsOncePerBurstAndAgainAfterIt) {
  Win32Stage stage;
  const std::string key = R"(SOFTWARE\rdpmend contract\watched)";
  RDPMEND_REQUIRE(stage.put(key, "x", std::uint32_t{0}));
  Counter counter;
  const auto watch = RegistryWatch::open({key}, counter.callback());
  RDPMEND_REQUIRE(watch);
  for (std::uint32_t i = 1; i <= 20; ++i) ASSERT_TRUE(stage.put(key, "x", i));
  ASSERT_TRUE(counter.comes());
  EXPECT_LE(counter.calls(), 2);
  ASSERT_TRUE(stage.put(key, "x", std::uint32_t{99}));
  EXPECT_TRUE(counter.comes());
}

TEST(RegistryWatch, SeesAKeyComeAndThenChange) {
  Win32Stage stage;
  const std::string parent = R"(SOFTWARE\rdpmend contract)";
  const std::string key = parent + R"(\later\deep)";
  RDPMEND_REQUIRE(stage.put(parent, "x", std::uint32_t{0}));
  RegDeleteTreeW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\rdpmend contract\\later");
  Counter counter;
  const auto watch = RegistryWatch::open({key}, counter.callback());
  RDPMEND_REQUIRE(watch);
  ASSERT_TRUE(stage.put(key, "y", std::uint32_t{1}));
  ASSERT_TRUE(counter.comes());
  ASSERT_TRUE(stage.put(key, "y", std::uint32_t{2}));
  EXPECT_TRUE(counter.comes());
}

class Socket {
 public:
  explicit Socket(int type, std::uint32_t bind_to = INADDR_LOOPBACK) {
    WSADATA data{};
    WSAStartup(MAKEWORD(2, 2), &data);
    socket_ = socket(AF_INET, type, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(bind_to);
    bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    int size = sizeof(address);
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~Socket() {
    closesocket(socket_);
    WSACleanup();
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  SOCKET get() const { return socket_; }
  std::uint16_t port() const { return port_; }

 private:
  SOCKET socket_ = INVALID_SOCKET;
  std::uint16_t port_ = 0;
};

TEST(Network, KnowsWhoListens) {
  const Socket socket(SOCK_STREAM);
  const auto before = find_listener(socket.port());
  ASSERT_TRUE(before);
  EXPECT_FALSE(*before);
  ASSERT_EQ(listen(socket.get(), 1), 0);
  const auto listener = find_listener(socket.port());
  ASSERT_TRUE(listener && *listener);
  EXPECT_EQ((*listener)->bound_to, "127.0.0.1");
  if ((*listener)->pid == 0) {
    GTEST_SKIP() << contract::not_here("GetExtendedTcpTable does not name the owner").error().what;
  }
  EXPECT_EQ((*listener)->pid, GetCurrentProcessId());
}

TEST(Network, AListenerOnAllAddressesIsBoundToNone) {
  const Socket socket(SOCK_STREAM, INADDR_ANY);
  ASSERT_EQ(listen(socket.get(), 1), 0);
  const auto listener = find_listener(socket.port());
  ASSERT_TRUE(listener && *listener);
  EXPECT_EQ((*listener)->bound_to, std::nullopt);
}

// As with RDP-Tcp's LanAdapter.
TEST(Listener, ThatIsBoundToOneAddressIsProbedThere) {
  if (!contract::is_wine()) GTEST_SKIP() << "the RDP port of a real computer is left alone";
  Win32Stage stage;
  auto host = stage.host();
  const auto port_before = read_dword(host.registry, registry_key::k_rdp_tcp, "PortNumber");
  ASSERT_TRUE(port_before);
  constexpr std::uint32_t k_127_0_0_2 = 0x7F000002;
  const Socket socket(SOCK_STREAM, k_127_0_0_2);
  ASSERT_EQ(listen(socket.get(), 1), 0);
  RDPMEND_REQUIRE(stage.put(std::string(registry_key::k_rdp_tcp), "PortNumber", std::uint32_t{socket.port()}));
  const auto state = host.listener.state();
  const auto inside = host.listener.probe(ProbeFrom::loopback, 1s);
  RDPMEND_REQUIRE(stage.put(std::string(registry_key::k_rdp_tcp), "PortNumber", port_before->value_or(3389)));
  ASSERT_TRUE(state && inside);
  EXPECT_TRUE(state->listening);
  EXPECT_EQ(state->own_address, "127.0.0.2");
  EXPECT_GE(inside->stage(), v1::PROBE_STAGE_CONNECTED) << inside->detail();
}

// A time server on loopback that is an hour ahead, and one that is not synchronised.
void answer_once(SOCKET socket, unsigned char stratum, std::uint32_t ahead_s) {
  std::array<unsigned char, 48> packet{};
  sockaddr_in client{};
  int size = sizeof(client);
  if (recvfrom(socket, reinterpret_cast<char*>(packet.data()), 48, 0, reinterpret_cast<sockaddr*>(&client), &size) !=
      48) {
    return;
  }
  std::copy_n(packet.begin() + 40, 8, packet.begin() + 24);
  packet[0] = 0x24;
  packet[1] = stratum;
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  const auto seconds = static_cast<std::uint32_t>(now + 2'208'988'800 + ahead_s);
  for (const std::size_t at : {32U, 40U}) {
    for (std::size_t i = 0; i < 4; ++i) packet[at + i] = static_cast<unsigned char>(seconds >> (24 - 8 * i));
  }
  sendto(socket, reinterpret_cast<const char*>(packet.data()), 48, 0, reinterpret_cast<const sockaddr*>(&client), size);
}

TEST(Sntp, TellsHowFarThisHostIsBehind) {
  const Socket server(SOCK_DGRAM);
  std::jthread thread([&] { answer_once(server.get(), 2, 3600); });
  const auto offset = ask_sntp("127.0.0.1", 5s, server.port());
  ASSERT_TRUE(offset) << to_string(offset.error());
  EXPECT_LT(*offset, -3590s);
  EXPECT_GT(*offset, -3610s);
}

TEST(Sntp, AServerThatIsNotSynchronisedIsNoReference) {
  const Socket server(SOCK_DGRAM);
  std::jthread thread([&] { answer_once(server.get(), 16, 0); });
  EXPECT_EQ(ask_sntp("127.0.0.1", 5s, server.port()).error().code, ErrorCode::unavailable);
}

TEST(Sntp, AServerThatIsSilentDoesNotHold) {
  const Socket server(SOCK_DGRAM);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(ask_sntp("127.0.0.1", 200ms, server.port()));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
}

}  // namespace
}  // namespace rdpmend::win32
