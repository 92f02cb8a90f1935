#include "tests/contract/win32/win32_stage.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "agent-lib/win32/event_rendering.hpp"
#include "agent-lib/win32/key_files.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/text.hpp"
#include "tests/contract/win32/test_key.hpp"
#include "tests/contract/win32/test_service.hpp"
#include "tests/contract/win32/wine.hpp"
#include "tests/wine/doubles_test/lab_events.hpp"

#include <aclapi.h>
#include <sddl.h>

namespace rdpmend::contract {
namespace {

using win32::narrow;
using win32::widen;

constexpr const wchar_t* k_test_key = L"SOFTWARE\\rdpmend contract";
constexpr const char* k_test_key_file = "rdpmend-contract";
constexpr const char* k_event_channel = "Application";  // Where sources log that have not said otherwise.
constexpr const wchar_t* k_event_source = L"rdpmend-contract";
constexpr DWORD k_event_id = 1000;

LSTATUS write_value(const std::wstring& key, const std::wstring& name, DWORD type, const void* data, std::size_t size) {
  return RegSetKeyValueW(HKEY_LOCAL_MACHINE, key.c_str(), name.c_str(), type, data, static_cast<DWORD>(size));
}

LSTATUS write_value(const std::wstring& key, const std::wstring& name, const RegistryValue& value) {
  if (const auto* dword = std::get_if<std::uint32_t>(&value))
    return write_value(key, name, REG_DWORD, dword, sizeof(*dword));
  if (const auto* text = std::get_if<std::string>(&value)) {
    const auto wide = widen(*text);
    const DWORD type = wide.find(L'%') == std::wstring::npos ? REG_SZ : REG_EXPAND_SZ;
    return write_value(key, name, type, wide.c_str(), (wide.size() + 1) * sizeof(wchar_t));
  }
  if (const auto* expandable = std::get_if<ExpandableText>(&value)) {
    const auto wide = widen(expandable->text);
    return write_value(key, name, REG_EXPAND_SZ, wide.c_str(), (wide.size() + 1) * sizeof(wchar_t));
  }
  const auto& binary = std::get<RegistryBinary>(value);
  return write_value(key, name, REG_BINARY, binary.data(), binary.size());
}

// Whatever access list a test has left on it.
void delete_file(const std::wstring& path) {
  SetFileAttributesW(path.c_str(), FILE_ATTRIBUTE_NORMAL);
  DeleteFileW(path.c_str());
}

std::unique_ptr<Stage> make_win32_stage() {
  return std::make_unique<Win32Stage>();
}

INSTANTIATE_TEST_SUITE_P(Windows, Contract, testing::Values(&make_win32_stage), [](const auto&) { return "host"; });

// What was made once for all tests is taken away at the end.
class CleanUp : public testing::Environment {
 public:
  void TearDown() override {
    if (!is_wine() && std::getenv(k_consent) == nullptr) return;
    uninstall_test_services();
    remove_test_store();
    RegDeleteTreeW(HKEY_LOCAL_MACHINE, k_test_key);
    if (const auto path = win32::key_file_path(k_machine_keys_folder, k_test_key_file)) delete_file(*path);
    std::error_code ignored;
    std::filesystem::remove_all(Win32Stage::kept_folder(), ignored);
  }
};
[[maybe_unused]] const auto* const g_clean_up = testing::AddGlobalTestEnvironment(new CleanUp);

}  // namespace

std::filesystem::path Win32Stage::kept_folder() {
  return std::filesystem::temp_directory_path() / L"rdpmend-contract-kept";
}

Win32Stage::Win32Stage() : host_(win32::Win32Host::open(kept_folder().wstring()).value()) {
  std::filesystem::create_directories(kept_folder());
  if (is_wine() && !lab::Channel::open(k_event_channel)) {
    lab::Channel::create(k_event_channel, lab::ChannelType::admin);
  }
}

Win32Stage::~Win32Stage() {
  if (is_wine()) lab::Channel::open(k_event_channel)->set_strict_not_found(false);
  if (!port_before_) return;
  const auto key = widen(registry_key::k_rdp_tcp);
  if (port_before_->empty()) {
    RegDeleteKeyValueW(HKEY_LOCAL_MACHINE, key.c_str(), L"PortNumber");
  } else {
    write_value(key, L"PortNumber", REG_DWORD, port_before_->data(), port_before_->size());
  }
}

Status Win32Stage::may_change() {
  const char* consent = std::getenv(k_consent);
  if (is_wine() || (consent != nullptr && std::string_view(consent) == "1")) return {};
  return not_here(std::string("set ") + k_consent + "=1 to let this test change the computer");
}

Status Win32Stage::put(const std::string& key, const std::string& name, const RegistryValue& value) {
  if (auto may = may_change(); !may) return may;
  const auto status = write_value(widen(key), widen(name), value);
  if (status != ERROR_SUCCESS) return fail(win32::win32_error("cannot write a value", static_cast<DWORD>(status)));
  return {};
}

Result<std::string> Win32Stage::store() {
  if (auto may = may_change(); !may) return fail(std::move(may).error());
  if (auto made = make_test_store(); !made) return fail(std::move(made).error());
  return std::string(k_test_store);
}

Result<std::string> Win32Stage::certificate_with_key() {
  if (auto made = store(); !made) return made;
  return make_certificate_with_key();
}

Result<KeyFileName> Win32Stage::key_file() {
  if (auto may = may_change(); !may) return fail(std::move(may).error());
  const auto path = win32::key_file_path(k_machine_keys_folder, k_test_key_file);
  if (!path) return fail(path.error());
  delete_file(*path);
  // The folder is there once the machine has had a key.
  std::filesystem::create_directories(std::filesystem::path(*path).parent_path());
  std::ofstream{std::filesystem::path(*path)} << "no key";
  return KeyFileName{std::string(k_machine_keys_folder), k_test_key_file};
}

Status Win32Stage::access_lists_are_kept() {
  const auto name = key_file();
  if (!name) return fail(name.error());
  const auto path = win32::key_file_path(name->folder, name->file).value();
  win32::UniqueHandle<win32::LocalTraits<PSECURITY_DESCRIPTOR>> descriptor;
  // SYSTEM all, NETWORK SERVICE read, nobody else.
  ConvertStringSecurityDescriptorToSecurityDescriptorW(L"D:P(A;;FA;;;SY)(A;;FR;;;NS)", SDDL_REVISION_1,
                                                       descriptor.out(), nullptr);
  BOOL present = FALSE;
  BOOL defaulted = FALSE;
  ACL* list = nullptr;
  GetSecurityDescriptorDacl(descriptor.get(), &present, &list, &defaulted);
  SetNamedSecurityInfoW(std::wstring(path).data(), SE_FILE_OBJECT,
                        DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, nullptr, nullptr, list,
                        nullptr);
  const auto found = host().key_files.find(name->folder, name->file);
  if (!found) return fail(found.error());
  const bool kept = granted_mask(found->value().security, sid::k_network_service) == k_file_generic_read;
  if (auto fresh = key_file(); !fresh) return fail(std::move(fresh).error());
  return kept || !is_wine() ? Status{} : not_here("files have Unix permissions, no access lists");
}

Result<ServicePair> Win32Stage::services() {
  if (auto may = may_change(); !may) return fail(std::move(may).error());
  if (auto made = install_test_services(); !made) return fail(std::move(made).error());
  return ServicePair{narrow(k_base_service), narrow(k_dependent_service)};
}

Status Win32Stage::dependents_are_listed() {
  const SC_HANDLE manager = OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT);
  const SC_HANDLE service = OpenServiceW(manager, k_base_service, SERVICE_ENUMERATE_DEPENDENTS);
  DWORD size = 0;
  DWORD count = 0;
  const bool all = EnumDependentServicesW(service, SERVICE_STATE_ALL, nullptr, 0, &size, &count) != FALSE;
  CloseServiceHandle(service);
  CloseServiceHandle(manager);
  // There is one: an answer without room for it cannot be the whole.
  if (all) return not_here("EnumDependentServices lists none");
  return {};
}

Result<std::string> Win32Stage::firewall_rule() {
  if (auto may = may_change(); !may) return fail(std::move(may).error());
  constexpr std::string_view k_rule = "RemoteDesktop-UserMode-In-TCP";
  const auto found = find_local_rule(host().firewall, k_rule);
  if (!found) return fail(found.error());
  if (!*found) return fail(not_here("there is no firewall rule " + std::string(k_rule)).error());
  return std::string(k_rule);
}

Result<EventKind> Win32Stage::event_kind() {
  SetLastError(ERROR_SUCCESS);
  const win32::UniqueEvt query{EvtQuery(nullptr, L"rdpmend/No such channel", L"*", EvtQueryChannelPath)};
  if (!query && GetLastError() == ERROR_SUCCESS) return fail(not_here("EvtQuery gives no handle and no error").error());
  return EventKind{k_event_channel, narrow(k_event_source), k_event_id};
}

Status Win32Stage::log_event() {
  if (auto may = may_change(); !may) return may;
  const auto kind = event_kind();
  if (!kind) return fail(kind.error());
  if (is_wine()) {
    // ReportEvent goes nowhere there; the event log is the laboratory's.
    lab::append_event(lab::event_xml(kind->channel, kind->provider, kind->id));
    return {};
  }
  const HANDLE source = RegisterEventSourceW(nullptr, k_event_source);
  const wchar_t* text = L"a test";
  const bool reported =
      ReportEventW(source, EVENTLOG_INFORMATION_TYPE, 0, k_event_id, nullptr, 1, 0, &text, nullptr) != FALSE;
  auto error = win32::last_error("cannot log an event");
  DeregisterEventSource(source);
  if (!reported) return fail(std::move(error));
  return {};
}

Status Win32Stage::silence(Silence how) {
  if (!is_wine()) return not_here("it cannot be asked to do that");
  auto channel = lab::Channel::open(k_event_channel);
  using Dead = lab::DeadAnswer;
  switch (how) {
    case Silence::restart_unnoticed:
    case Silence::mute: channel->kill_subscriptions(Dead::no_more_items); break;
    case Silence::restart_invalid_operation: channel->kill_subscriptions(Dead::invalid_operation); break;
    case Silence::restart_invalid_handle: channel->kill_subscriptions(Dead::invalid_handle); break;
    case Silence::restart_rpc_error: channel->kill_subscriptions(Dead::rpc_server_unavailable); break;
    case Silence::passed_over: channel->make_next_large(); break;
  }
  return {};
}

Status Win32Stage::deny_bookmarks() {
  if (!is_wine()) return not_here("it cannot be asked to do that");
  lab::Channel::open(k_event_channel)->set_strict_not_found(true);
  return {};
}

Status Win32Stage::close_listener() {
  if (auto may = may_change(); !may) return may;
  const auto before = host().registry.value(registry_key::k_rdp_tcp, "PortNumber");
  if (!before) return fail(before.error());
  port_before_.emplace();
  if (*before) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(&std::get<std::uint32_t>(**before));
    port_before_->assign(bytes, bytes + sizeof(std::uint32_t));
  }
  constexpr std::uint32_t k_unused_port = 9;  // Discard; nobody serves it any more.
  return put(std::string(registry_key::k_rdp_tcp), "PortNumber", k_unused_port);
}

}  // namespace rdpmend::contract
