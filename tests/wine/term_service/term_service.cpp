// TermService, the listener, for a machine without one. It decides as the simulated host does, by
// agent-lib/sim/decisions.hpp, and answers with the same code; here on the port that the registry names, with the
// certificate that the store holds, as a service.
//
// A real listener has one socket for all addresses, and the firewall filters before it, but not what the computer sends
// to itself, whichever of its addresses it takes (measured.md F8). Here nothing filters, so the listener obeys the
// rules itself: loopback and the own addresses that `lab.exe run` was given are always open, the outside ones, which
// stand for the network, refuse connections while no rule lets clients in.
#include <boost/asio/windows/object_handle.hpp>
//
#include <objbase.h>

#include <chrono>
#include <cstdio>
#include <list>
#include <memory>
#include <stdexcept>

#include "agent-lib/sim/rdp_server_connection.hpp"
#include "agent-lib/sim/sim_events.hpp"
#include "agent-lib/support/asio.hpp"
#include "tests/wine/lab/file_security.hpp"
#include "tests/wine/lab/firewall_store.hpp"
#include "tests/wine/lab/lab_log.hpp"
#include "tests/wine/lab/lab_registry.hpp"
#include "tests/wine/lab/listener_certificate.hpp"
#include "tests/wine/lab/text.hpp"
#include "tests/wine/lab/windows_service.hpp"
#include "tests/wine/term_service/credential.hpp"
#include "tests/wine/term_service/gate.hpp"

namespace rdpmend::lab {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using Connection = sim::events::Connection;

constexpr std::size_t k_max_connections = 64;

std::optional<std::uint32_t> dword_of(std::wstring_view path, std::wstring_view name) {
  const auto key = RegistryKey::open(path);
  return key ? key->dword(name) : std::nullopt;
}

bool listens_by_settings() {
  return sim::wants_to_listen(dword_of(k_terminal_server, L"fDenyTSConnections"),
                              dword_of(k_rdp_tcp, L"fEnableWinStation"));
}

std::vector<std::string> addresses_in(std::wstring_view name) {
  const auto key = RegistryKey::open(k_lab_key);
  auto text = narrow(key ? key->text(name).value_or(L"") : L"");
  std::vector<std::string> addresses;
  while (!text.empty()) {
    const auto item = text.substr(0, text.find(' '));
    text.erase(0, item.size() + 1);
    if (!item.empty()) addresses.push_back(item);
  }
  return addresses;
}

std::string new_activity_id() {
  GUID guid{};
  wchar_t text[64] = {};
  CoCreateGuid(&guid);
  StringFromGUID2(guid, text, 64);
  return narrow(text);
}

// Calls back on the io thread, which must be the one that arms it, when something below the key changes.
class RegistryWatch {
 public:
  RegistryWatch(asio::io_context& io, std::wstring_view path, std::function<void()> changed)
      : key_(RegistryKey::create(path)),
        event_(io, CreateEventW(nullptr, FALSE, FALSE, nullptr)),
        changed_(std::move(changed)) {}

  void arm() {
    RegNotifyChangeKeyValue(key_.get(), TRUE, REG_NOTIFY_CHANGE_LAST_SET | REG_NOTIFY_CHANGE_NAME,
                            event_.native_handle(), TRUE);
    event_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      arm();
      changed_();
    });
  }

 private:
  RegistryKey key_;
  asio::windows::object_handle event_;
  const std::function<void()> changed_;
};

class TermService {
 public:
  void run(HANDLE stop);

 private:
  void follow_host();
  void serve(asio::ip::tcp::socket socket);
  sim::SimHost::ListenerView answer(const Connection& connection);
  void log_drop(const Connection& connection, sim::CredentialState why);
  void request_certificate();

  asio::io_context io_{1};
  const std::uint16_t port_ = static_cast<std::uint16_t>(dword_of(k_rdp_tcp, L"PortNumber").value_or(3389));
  std::list<Gate> own_, outside_;
  std::list<std::weak_ptr<sim::RdpServerConnection>> connections_;
  bool listening_ = false;
  std::optional<steady_clock::time_point> last_schannel_error_;
  std::optional<steady_clock::time_point> last_request_;
};

void TermService::run(HANDLE stop) {
  const auto add = [this](std::list<Gate>& gates, const std::string& address) {
    gates.emplace_back(io_, address, port_, [this](asio::ip::tcp::socket socket) { serve(std::move(socket)); });
  };
  add(own_, "127.0.0.1");
  for (const auto& address : addresses_in(L"OwnAddresses")) add(own_, address);
  for (const auto& address : addresses_in(L"OutsideAddresses")) add(outside_, address);
  // Its trigger: a client comes, and they try again at once.
  if (behaves(k_um_rdp_comes_back)) ask_to_start(L"UmRdpService");
  RegistryWatch settings(io_, k_terminal_server, [this] { follow_host(); });
  RegistryWatch firewall(io_, k_firewall_policy, [this] { follow_host(); });
  HANDLE own_stop = nullptr;
  DuplicateHandle(GetCurrentProcess(), stop, GetCurrentProcess(), &own_stop, 0, FALSE, DUPLICATE_SAME_ACCESS);
  asio::windows::object_handle stopped(io_, own_stop);
  stopped.async_wait([this](const boost::system::error_code&) { io_.stop(); });
  settings.arm();
  firewall.arm();
  follow_host();
  io_.run();
  if (listening_) log_event(sim::events::listener_stopped(GetCurrentProcessId()));
}

void TermService::follow_host() {
  const bool wanted = listens_by_settings();
  for (auto& gate : own_) {
    if (!gate.set_open(wanted)) throw std::runtime_error("the port is not free");
  }
  if (wanted != std::exchange(listening_, wanted)) {
    const auto pid = GetCurrentProcessId();
    log_event(wanted ? sim::events::listener_started(pid) : sim::events::listener_stopped(pid));
  }
  const bool lets_in = wanted && firewall_lets_in(port_);
  for (auto& gate : outside_) {
    if (!gate.set_open(lets_in)) std::fprintf(stderr, "TermService: an outside address cannot be listened on\n");
  }
}

void TermService::serve(asio::ip::tcp::socket socket) {
  boost::system::error_code error;
  const auto client = socket.remote_endpoint(error);
  std::erase_if(connections_, [](const auto& connection) { return connection.expired(); });
  if (error || connections_.size() >= k_max_connections) return;
  auto view = answer({client.address().to_string(), client.port(), new_activity_id(), GetCurrentProcessId()});
  const auto connection = std::make_shared<sim::RdpServerConnection>(std::move(socket), std::move(view));
  connections_.push_back(connection);
  connection->start();
}

sim::SimHost::ListenerView TermService::answer(const Connection& connection) {
  log_event(sim::events::listener_received(connection));
  log_event(sim::events::connection_accepted(connection));
  sim::SimHost::ListenerView view;
  view.nla_required = dword_of(k_rdp_tcp, L"UserAuthentication").value_or(1) != 0;
  auto loaded = load_credential();
  if (auto* credential = std::get_if<sim::SimHost::Credential>(&loaded)) {
    log_event(sim::events::connection_established(connection));
    view.answer = sim::SimHost::Answer::serve;
    view.credential = std::move(*credential);
    return view;
  }
  view.answer = sim::SimHost::Answer::close_without_confirm;
  log_drop(connection, std::get<sim::CredentialState>(loaded));
  request_certificate();
  return view;
}

void TermService::log_drop(const Connection& connection, sim::CredentialState why) {
  const auto now = steady_clock::now();
  if (sim::schannel_complains(why) && sim::is_due(last_schannel_error_, now, sim::k_between_schannel_errors)) {
    last_schannel_error_ = now;
    log_event(sim::events::server_key_unusable(GetCurrentProcessId()));
  }
  log_event(sim::events::security_layer_failed(connection, sim::drop_code(why)));
  log_event(sim::events::connection_ended(connection));
}

void TermService::request_certificate() {
  const auto now = steady_clock::now();
  if (!sim::is_due(last_request_, now, sim::k_between_requests)) return;
  last_request_ = now;
  const HANDLE event = OpenEventW(EVENT_MODIFY_STATE, FALSE, L"Local\\TS Certificate Update Event");
  if (!event) return;  // SessionEnv does not run.
  SetEvent(event);
  CloseHandle(event);
}

}  // namespace

}  // namespace rdpmend::lab

int main() {
  rdpmend::lab::keep_file_security(rdpmend::lab::Account::network_service);
  return rdpmend::lab::run_service(L"TermService", [](HANDLE stop) { rdpmend::lab::TermService().run(stop); });
}
