#include "agent-lib/win32/network.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <set>
#include <vector>

#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/registry.hpp"
#include "agent-lib/win32/text.hpp"

#include <iphlpapi.h>
#include <netioapi.h>

namespace rdpmend::win32 {

namespace {

constexpr int k_attempts = 8;  // A table may grow between the question for its size and the one for itself.

// Ports are in network order in the low word.
// https://learn.microsoft.com/windows/win32/api/tcpmib/ns-tcpmib-mib_tcprow_owner_pid
std::uint16_t port_of(DWORD field) {
  return ntohs(static_cast<u_short>(field & 0xFFFF));
}

bool is_self_assigned(const SOCKADDR& address) {
  if (address.sa_family == AF_INET) {
    const auto& bytes = reinterpret_cast<const sockaddr_in&>(address).sin_addr.S_un.S_un_b;
    return bytes.s_b1 == 169 && bytes.s_b2 == 254;
  }
  const auto& bytes = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr.u.Byte;
  return bytes[0] == 0xFE && (bytes[1] & 0xC0) == 0x80;
}

std::optional<std::string> to_text(int family, const void* bytes) {
  std::array<wchar_t, 64> text{};
  if (InetNtopW(family, bytes, text.data(), text.size()) == nullptr) return std::nullopt;
  return narrow(text.data());
}

std::optional<std::string> to_text(const SOCKADDR& address) {
  if (address.sa_family == AF_INET) return to_text(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr);
  return to_text(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
}

std::optional<std::string> bound_to(const MIB_TCPROW_OWNER_PID& row) {
  if (row.dwLocalAddr == INADDR_ANY) return std::nullopt;
  return to_text(AF_INET, &row.dwLocalAddr);
}
std::optional<std::string> bound_to(const MIB_TCP6ROW_OWNER_PID& row) {
  constexpr UCHAR k_any[16] = {};
  if (std::equal(std::begin(k_any), std::end(k_any), row.ucLocalAddr)) return std::nullopt;
  return to_text(AF_INET6, row.ucLocalAddr);
}

// A table of TCP connections or listeners. nullopt: the host does without this IP version.
// https://learn.microsoft.com/windows/win32/api/iphlpapi/nf-iphlpapi-getextendedtcptable
Result<std::optional<std::vector<std::uint64_t>>> read_tcp_table(ULONG family, TCP_TABLE_CLASS kind,
                                                                 std::string_view doing) {
  std::vector<std::uint64_t> buffer(2048);
  DWORD status = ERROR_INSUFFICIENT_BUFFER;
  for (int i = 0; i < k_attempts && status == ERROR_INSUFFICIENT_BUFFER; ++i) {
    auto size = static_cast<DWORD>(buffer.size() * sizeof(std::uint64_t));
    status = GetExtendedTcpTable(buffer.data(), &size, FALSE, family, kind, 0);
    if (status == ERROR_INSUFFICIENT_BUFFER) buffer.resize(size / sizeof(std::uint64_t) + 256);
  }
  if (status == ERROR_NOT_SUPPORTED) return std::nullopt;
  if (status != NO_ERROR) return fail(win32_error(doing, status));
  return buffer;
}

template <class Table>
Result<std::optional<TcpListener>> find_in_table(ULONG family, std::uint16_t port) {
  const auto buffer = read_tcp_table(family, TCP_TABLE_OWNER_PID_LISTENER, "cannot list who listens on TCP ports");
  if (!buffer) return fail(buffer.error());
  if (!*buffer) return std::nullopt;
  std::optional<TcpListener> found;
  const auto* table = reinterpret_cast<const Table*>((*buffer)->data());
  for (DWORD i = 0; i < table->dwNumEntries; ++i) {
    const auto& row = table->table[i];
    if (port_of(row.dwLocalPort) != port) continue;
    if (!found || found->bound_to) found = TcpListener{row.dwOwningPid, bound_to(row)};
  }
  return found;
}

// An address that clients may be told: not one that is a duplicate, tentative or deprecated.
// https://learn.microsoft.com/windows/win32/api/iptypes/ns-iptypes-ip_adapter_unicast_address_lh
bool is_usable(const IP_ADAPTER_UNICAST_ADDRESS& unicast) {
  const auto* address = unicast.Address.lpSockaddr;
  return address != nullptr && unicast.DadState == IpDadStatePreferred && !is_self_assigned(*address);
}

// One that belongs to a cluster, or that an administrator keeps out of name resolution and outgoing connections, is not
// what this host is reached by. Where Windows does not say, it is.
// https://learn.microsoft.com/windows/win32/api/netioapi/ns-netioapi-mib_unicastipaddress_row
bool is_the_hosts_own(const IP_ADAPTER_ADDRESSES& adapter, const IP_ADAPTER_UNICAST_ADDRESS& unicast) {
  if ((unicast.Flags & IP_ADAPTER_ADDRESS_TRANSIENT) != 0) return false;
  MIB_UNICASTIPADDRESS_ROW row{};
  row.InterfaceLuid = adapter.Luid;
  const auto size =
      std::min<std::size_t>(sizeof(row.Address), static_cast<std::size_t>(unicast.Address.iSockaddrLength));
  std::memcpy(&row.Address, unicast.Address.lpSockaddr, size);
  return GetUnicastIpAddressEntry(&row) != NO_ERROR || row.SkipAsSource == FALSE;
}

struct Candidate {
  int rank = 0;
  std::string address;
};

void consider(const IP_ADAPTER_ADDRESSES& adapter, Candidate& best) {
  if (adapter.OperStatus != IfOperStatusUp || adapter.IfType == IF_TYPE_SOFTWARE_LOOPBACK) return;
  for (const auto* unicast = adapter.FirstUnicastAddress; unicast != nullptr; unicast = unicast->Next) {
    if (!is_usable(*unicast) || !is_the_hosts_own(adapter, *unicast)) continue;
    const auto* address = unicast->Address.lpSockaddr;
    const int rank = 1 + (adapter.FirstGatewayAddress != nullptr ? 2 : 0) + (address->sa_family == AF_INET ? 1 : 0);
    if (rank <= best.rank) continue;
    if (auto text = to_text(*address)) best = {rank, std::move(*text)};
  }
}

using AdapterBuffer = std::vector<std::uint64_t>;

// https://learn.microsoft.com/windows/win32/api/iphlpapi/nf-iphlpapi-getadaptersaddresses
Result<AdapterBuffer> read_adapters() {
  constexpr ULONG k_flags =
      GAA_FLAG_INCLUDE_GATEWAYS | GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER;
  AdapterBuffer buffer(2048);
  ULONG status = ERROR_BUFFER_OVERFLOW;
  for (int i = 0; i < k_attempts && status == ERROR_BUFFER_OVERFLOW; ++i) {
    auto size = static_cast<ULONG>(buffer.size() * sizeof(std::uint64_t));
    status = GetAdaptersAddresses(AF_UNSPEC, k_flags, nullptr, reinterpret_cast<IP_ADAPTER_ADDRESSES*>(buffer.data()),
                                  &size);
    if (status == ERROR_BUFFER_OVERFLOW) buffer.resize(size / sizeof(std::uint64_t) + 256);
  }
  if (status == ERROR_NO_DATA) return AdapterBuffer(1024);
  if (status != NO_ERROR) return fail(win32_error("cannot list the network adapters", status));
  return buffer;
}

const IP_ADAPTER_ADDRESSES* first_adapter(const AdapterBuffer& buffer) {
  const auto* first = reinterpret_cast<const IP_ADAPTER_ADDRESSES*>(buffer.data());
  return first->Length == 0 ? nullptr : first;
}

// Up, with a gateway, and the lowest metric.
const IP_ADAPTER_ADDRESSES* default_adapter(const AdapterBuffer& buffer) {
  const IP_ADAPTER_ADDRESSES* best = nullptr;
  for (const auto* each = first_adapter(buffer); each != nullptr; each = each->Next) {
    if (each->OperStatus != IfOperStatusUp || each->FirstGatewayAddress == nullptr) continue;
    if (best == nullptr || each->Ipv4Metric < best->Ipv4Metric) best = each;
  }
  return best;
}

// Without addresses if it is down or loopback.
FirewallInterface describe(const IP_ADAPTER_ADDRESSES& adapter, const std::map<std::string, std::uint32_t>& profiles) {
  FirewallInterface described;
  if (adapter.OperStatus != IfOperStatusUp || adapter.IfType == IF_TYPE_SOFTWARE_LOOPBACK) return described;
  described.name = narrow(adapter.FriendlyName);
  if (const auto known = profiles.find(adapter.AdapterName); known != profiles.end()) described.profile = known->second;
  for (const auto* unicast = adapter.FirstUnicastAddress; unicast != nullptr; unicast = unicast->Next) {
    if (!is_usable(*unicast)) continue;
    if (auto text = to_text(*unicast->Address.lpSockaddr)) described.addresses.push_back(std::move(*text));
  }
  return described;
}

std::optional<std::string> remote_of(const MIB_TCPROW_OWNER_PID& row) {
  return to_text(AF_INET, &row.dwRemoteAddr);
}
std::optional<std::string> remote_of(const MIB_TCP6ROW_OWNER_PID& row) {
  return to_text(AF_INET6, row.ucRemoteAddr);
}

// What the host has with itself says nothing of its clients.
template <class Table>
Status add_clients(ULONG family, std::uint16_t port, std::set<std::string>& locals) {
  const auto buffer = read_tcp_table(family, TCP_TABLE_OWNER_PID_CONNECTIONS, "cannot list the TCP connections");
  if (!buffer) return fail(buffer.error());
  if (!*buffer) return {};
  const auto* table = reinterpret_cast<const Table*>((*buffer)->data());
  for (DWORD i = 0; i < table->dwNumEntries; ++i) {
    const auto& row = table->table[i];
    if (row.dwState != MIB_TCP_STATE_ESTAB || port_of(row.dwLocalPort) != port) continue;
    const auto local = bound_to(row);
    if (local && local != remote_of(row)) locals.insert(*local);
  }
  return {};
}

Result<std::set<std::string>> addresses_with_clients(std::uint16_t port) {
  std::set<std::string> locals;
  if (auto added = add_clients<MIB_TCPTABLE_OWNER_PID>(AF_INET, port, locals); !added) return fail(added.error());
  if (auto added = add_clients<MIB_TCP6TABLE_OWNER_PID>(AF_INET6, port, locals); !added) return fail(added.error());
  return locals;
}

}  // namespace

Result<std::optional<TcpListener>> find_listener(std::uint16_t port) {
  auto listener = find_in_table<MIB_TCPTABLE_OWNER_PID>(AF_INET, port);
  if (!listener || (*listener && !(*listener)->bound_to)) return listener;
  auto by_ipv6 = find_in_table<MIB_TCP6TABLE_OWNER_PID>(AF_INET6, port);
  const bool better = !by_ipv6 || !*listener || (*by_ipv6 && !(*by_ipv6)->bound_to);
  return better ? by_ipv6 : listener;
}

std::optional<std::string> interface_address() {
  const auto buffer = read_adapters();
  if (!buffer) return std::nullopt;
  Candidate best;
  for (const auto* adapter = first_adapter(*buffer); adapter != nullptr; adapter = adapter->Next) {
    consider(*adapter, best);
  }
  if (best.rank == 0) return std::nullopt;
  return best.address;
}

Result<std::vector<FirewallInterface>> client_interfaces(const std::map<std::string, std::uint32_t>& profiles) {
  const auto port = read_dword(Win32Registry{}, registry_key::k_rdp_tcp, "PortNumber");
  if (!port) return fail(port.error());
  const auto number = static_cast<std::uint16_t>(port->value_or(3389));
  const auto buffer = read_adapters();
  if (!buffer) return fail(buffer.error());
  const auto listener = find_listener(number);
  if (!listener) return fail(listener.error());
  auto locals = addresses_with_clients(number);
  if (!locals) return fail(locals.error());
  if (locals->empty() && *listener && (*listener)->bound_to) locals->insert(*(*listener)->bound_to);
  std::vector<FirewallInterface> interfaces;
  const auto* by_default = default_adapter(*buffer);
  for (const auto* adapter = first_adapter(*buffer); adapter != nullptr; adapter = adapter->Next) {
    auto each = describe(*adapter, profiles);
    if (each.addresses.empty()) continue;
    each.carries_clients = locals->empty()
                               ? adapter == by_default
                               : std::any_of(each.addresses.begin(), each.addresses.end(),
                                             [&](const auto& address) { return locals->contains(address); });
    interfaces.push_back(std::move(each));
  }
  return interfaces;
}

}  // namespace rdpmend::win32
