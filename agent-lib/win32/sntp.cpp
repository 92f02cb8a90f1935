#include "agent-lib/win32/sntp.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/text.hpp"
#include "agent-lib/win32/unique_handle.hpp"

namespace rdpmend::win32 {

namespace {

using namespace std::chrono;

using Packet = std::array<unsigned char, 48>;
constexpr std::size_t k_originate_at = 24;
constexpr std::size_t k_receive_at = 32;
constexpr std::size_t k_transmit_at = 40;

class Winsock {
 public:
  Winsock() {
    WSADATA data{};
    ready_ = WSAStartup(MAKEWORD(2, 2), &data) == 0;
  }
  ~Winsock() {
    if (ready_) WSACleanup();
  }
  Winsock(const Winsock&) = delete;
  Winsock& operator=(const Winsock&) = delete;

 private:
  bool ready_ = false;
};

struct SocketTraits {
  using Raw = SOCKET;
  static Raw none() { return INVALID_SOCKET; }
  static void close(Raw raw) { closesocket(raw); }
};

struct AddressTraits {
  using Raw = ADDRINFOW*;
  static Raw none() { return nullptr; }
  static void close(Raw raw) { FreeAddrInfoW(raw); }
};

WallTime wall_now() {
  return time_point_cast<Duration>(system_clock::now());
}

// Seconds since 1900 in 32 bits, and a binary fraction. With the highest bit clear they are of the era from 2036 on.
constexpr std::int64_t k_1900_to_1970 = 2'208'988'800;

std::uint64_t to_ntp(WallTime time) {
  const auto whole = floor<seconds>(time.time_since_epoch());
  const auto fraction = time.time_since_epoch() - whole;
  const auto high = static_cast<std::uint32_t>(whole.count() + k_1900_to_1970);
  const auto low = static_cast<std::uint64_t>(fraction.count()) * (std::uint64_t{1} << 32U) / 1'000'000'000U;
  return (std::uint64_t{high} << 32U) | low;
}

WallTime from_ntp(std::uint64_t stamp) {
  const auto high = static_cast<std::int64_t>(stamp >> 32U);
  const std::int64_t era = (high & 0x80000000) != 0 ? 0 : std::int64_t{1} << 32U;
  const auto fraction = (stamp & 0xFFFFFFFF) * 1'000'000'000U >> 32U;
  return WallTime{seconds{high + era - k_1900_to_1970} + nanoseconds{static_cast<std::int64_t>(fraction)}};
}

void put(Packet& packet, std::size_t at, std::uint64_t stamp) {
  for (std::size_t i = 0; i < 8; ++i) packet[at + i] = static_cast<unsigned char>(stamp >> (56 - 8 * i));
}

std::uint64_t take(const Packet& packet, std::size_t at) {
  std::uint64_t stamp = 0;
  for (std::size_t i = 0; i < 8; ++i) stamp = (stamp << 8U) | packet[at + i];
  return stamp;
}

// RFC 4330 section 5: an answer of a server that is itself synchronised, to our question.
bool is_answer(const Packet& packet, std::uint64_t sent) {
  const unsigned leap = packet[0] >> 6U;
  const unsigned mode = packet[0] & 7U;
  const unsigned stratum = packet[1];
  constexpr unsigned k_not_synchronised = 3;
  constexpr unsigned k_server = 4;
  return mode == k_server && leap != k_not_synchronised && stratum >= 1 && stratum <= 15 &&
         take(packet, k_originate_at) == sent && take(packet, k_transmit_at) != 0;
}

Error socket_error(std::string_view doing) {
  return win32_error(doing, static_cast<DWORD>(WSAGetLastError()));
}

// Connected: other senders' packets do not come in.
Result<UniqueHandle<SocketTraits>> connect_to(const std::string& server, std::uint16_t port, DWORD timeout_ms,
                                              std::string_view doing) {
  ADDRINFOW hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  UniqueHandle<AddressTraits> addresses;
  const int status = GetAddrInfoW(widen(server).c_str(), std::to_wstring(port).c_str(), &hints, addresses.out());
  if (status != 0) return fail(win32_error(doing, static_cast<DWORD>(status)));
  UniqueHandle<SocketTraits> opened{socket(addresses->ai_family, addresses->ai_socktype, addresses->ai_protocol)};
  if (!opened) return fail(socket_error(doing));
  const auto* patience = reinterpret_cast<const char*>(&timeout_ms);
  if (setsockopt(opened.get(), SOL_SOCKET, SO_RCVTIMEO, patience, sizeof(timeout_ms)) != 0 ||
      connect(opened.get(), addresses->ai_addr, static_cast<int>(addresses->ai_addrlen)) != 0) {
    return fail(socket_error(doing));
  }
  return opened;
}

}  // namespace

Result<Duration> ask_sntp(const std::string& server, Duration deadline, std::uint16_t port) {
  const auto doing = fmt::format("cannot ask time server {}", server);
  const auto patience = std::clamp<std::int64_t>(duration_cast<milliseconds>(deadline).count(), 1, 60'000);
  const Winsock winsock;
  const auto connected = connect_to(server, port, static_cast<DWORD>(patience), doing);
  if (!connected) return fail(connected.error());

  Packet packet{};
  constexpr unsigned char k_version_4_client = 0x23;
  packet[0] = k_version_4_client;
  const auto asked = wall_now();
  const auto sent = to_ntp(asked);
  put(packet, k_transmit_at, sent);
  const auto start = steady_clock::now();
  const int size = static_cast<int>(packet.size());
  if (send(connected->get(), reinterpret_cast<const char*>(packet.data()), size, 0) != size ||
      recv(connected->get(), reinterpret_cast<char*>(packet.data()), size, 0) != size) {
    return fail(socket_error(doing));
  }
  const auto answered = asked + (steady_clock::now() - start);
  if (!is_answer(packet, sent)) {
    return fail(ErrorCode::unavailable, doing + ": it is not synchronised, or its answer is none");
  }
  const auto server_ahead =
      ((from_ntp(take(packet, k_receive_at)) - asked) + (from_ntp(take(packet, k_transmit_at)) - answered)) / 2;
  return -server_ahead;
}

}  // namespace rdpmend::win32
