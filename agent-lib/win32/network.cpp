#include "agent-lib/win32/network.hpp"

#include <array>
#include <vector>

#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/text.hpp"

#include <iphlpapi.h>

namespace rdpmend::win32 {

namespace {

constexpr int k_attempts = 8;  // A table may grow between the question for its size and the one for itself.

// Ports are in network order in the low word.
// https://learn.microsoft.com/windows/win32/api/tcpmib/ns-tcpmib-mib_tcprow_owner_pid
std::uint16_t port_of(DWORD field) {
  return ntohs(static_cast<u_short>(field & 0xFFFF));
}

template <class Table>
Result<std::optional<std::uint32_t>> find_in_table(ULONG family, std::uint16_t port) {
  std::vector<std::uint64_t> buffer(2048);
  DWORD status = ERROR_INSUFFICIENT_BUFFER;
  for (int i = 0; i < k_attempts && status == ERROR_INSUFFICIENT_BUFFER; ++i) {
    auto size = static_cast<DWORD>(buffer.size() * sizeof(std::uint64_t));
    status = GetExtendedTcpTable(buffer.data(), &size, FALSE, family, TCP_TABLE_OWNER_PID_LISTENER, 0);
    if (status == ERROR_INSUFFICIENT_BUFFER) buffer.resize(size / sizeof(std::uint64_t) + 256);
  }
  // A host may do without one of the IP versions.
  if (status == ERROR_NOT_SUPPORTED) return std::nullopt;
  if (status != NO_ERROR) return fail(win32_error("cannot list who listens on TCP ports", status));
  const auto* table = reinterpret_cast<const Table*>(buffer.data());
  for (DWORD i = 0; i < table->dwNumEntries; ++i) {
    if (port_of(table->table[i].dwLocalPort) == port) return table->table[i].dwOwningPid;
  }
  return std::nullopt;
}

bool is_self_assigned(const SOCKADDR& address) {
  if (address.sa_family == AF_INET) {
    const auto& bytes = reinterpret_cast<const sockaddr_in&>(address).sin_addr.S_un.S_un_b;
    return bytes.s_b1 == 169 && bytes.s_b2 == 254;
  }
  const auto& bytes = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr.u.Byte;
  return bytes[0] == 0xFE && (bytes[1] & 0xC0) == 0x80;
}

std::optional<std::string> to_text(const SOCKADDR& address) {
  std::array<wchar_t, 64> text{};
  const void* bytes = address.sa_family == AF_INET
                          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in&>(address).sin_addr)
                          : &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  if (InetNtopW(address.sa_family, bytes, text.data(), text.size()) == nullptr) return std::nullopt;
  return narrow(text.data());
}

struct Candidate {
  int rank = 0;
  std::string address;
};

void consider(const IP_ADAPTER_ADDRESSES& adapter, Candidate& best) {
  if (adapter.OperStatus != IfOperStatusUp || adapter.IfType == IF_TYPE_SOFTWARE_LOOPBACK) return;
  for (const auto* unicast = adapter.FirstUnicastAddress; unicast != nullptr; unicast = unicast->Next) {
    const auto* address = unicast->Address.lpSockaddr;
    if (address == nullptr || is_self_assigned(*address)) continue;
    const int rank = 1 + (adapter.FirstGatewayAddress != nullptr ? 2 : 0) + (address->sa_family == AF_INET ? 1 : 0);
    if (rank <= best.rank) continue;
    if (auto text = to_text(*address)) best = {rank, std::move(*text)};
  }
}

}  // namespace

Result<std::optional<std::uint32_t>> find_listener(std::uint16_t port) {
  auto owner = find_in_table<MIB_TCPTABLE_OWNER_PID>(AF_INET, port);
  if (!owner || *owner) return owner;
  return find_in_table<MIB_TCP6TABLE_OWNER_PID>(AF_INET6, port);
}

// https://learn.microsoft.com/windows/win32/api/iphlpapi/nf-iphlpapi-getadaptersaddresses
std::optional<std::string> interface_address() {
  constexpr ULONG k_flags =
      GAA_FLAG_INCLUDE_GATEWAYS | GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER;
  std::vector<std::uint64_t> buffer(2048);
  ULONG status = ERROR_BUFFER_OVERFLOW;
  for (int i = 0; i < k_attempts && status == ERROR_BUFFER_OVERFLOW; ++i) {
    auto size = static_cast<ULONG>(buffer.size() * sizeof(std::uint64_t));
    status = GetAdaptersAddresses(AF_UNSPEC, k_flags, nullptr, reinterpret_cast<IP_ADAPTER_ADDRESSES*>(buffer.data()),
                                  &size);
    if (status == ERROR_BUFFER_OVERFLOW) buffer.resize(size / sizeof(std::uint64_t) + 256);
  }
  if (status != NO_ERROR) return std::nullopt;
  Candidate best;
  for (const auto* adapter = reinterpret_cast<const IP_ADAPTER_ADDRESSES*>(buffer.data()); adapter != nullptr;
       adapter = adapter->Next) {
    consider(*adapter, best);
  }
  if (best.rank == 0) return std::nullopt;
  return best.address;
}

}  // namespace rdpmend::win32
