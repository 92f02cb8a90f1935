// A client that speaks TLS by itself and HTTP/2 by hand, as whoever attacks the service does: no library of ours or
// gRPC's is between the bytes of a test and the server.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent-lib/support/asio_ssl.hpp"
#include "service/pki/certificate.hpp"

namespace rdpmend {

inline constexpr std::string_view k_get_status = "/rdpmend.v1.Agent/GetStatus";
inline constexpr std::string_view k_http2_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum class FrameType : std::uint8_t {
  data = 0,
  headers = 1,
  reset = 3,
  settings = 4,
  ping = 6,
  window_update = 8,
  continuation = 9
};
inline constexpr std::uint8_t k_end_stream = 0x1;
inline constexpr std::uint8_t k_end_headers = 0x4;

// A frame of RFC 9113 section 4.1.
std::string http2_frame(FrameType type, std::uint8_t flags, std::uint32_t stream, std::string_view payload);
struct HeardFrame {
  FrameType type;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
  std::string payload;
};
// Those that are whole, in what was heard.
std::vector<HeardFrame> frames_of(std::string_view bytes);
// The fields of a call of `path`, as hpack_field makes them.
std::string request_fields(std::string_view path);
// A field line without indexing and without Huffman coding: RFC 7541 section 6.2.2. Name and value below 127 bytes.
std::string hpack_field(std::string_view name, std::string_view value);
// The headers of a call, whose request follows as DATA unless they are its end.
std::string http2_headers(std::uint32_t stream, std::string_view path, bool end);
// The preface and settings of a client that takes whatever it is sent.
std::string http2_greeting();
// The preface and a call of `path` with one more field.
std::string http2_call(std::string_view path, std::string_view name, std::string_view value);

class RawClient {
 public:
  // `address` is ADDRESS:PORT. Connects and begins TLS with this certificate; greeted() says how that ended.
  RawClient(const std::string& address, const CertificateAndKey& client, int tls_version);

  // The TLS handshake is over for this side. With TLS 1.3 that says nothing about the server's consent.
  bool greeted() const { return greeted_; }
  // What cannot be sent because the server is gone is not sent.
  void send(std::string_view bytes);

  struct Heard {
    std::string bytes;
    bool closed = false;  // By the server, in time.
  };
  using Enough = std::function<bool(std::string_view)>;
  // What the server says until that is enough, or that it closes the connection; waits at most so long, then hangs up.
  Heard listen(
      std::chrono::milliseconds patience, const Enough& enough = [](std::string_view) { return true; });
  // Whether the server ends the connection in time. What it says before is read and forgotten.
  bool ends(std::chrono::milliseconds patience);

 private:
  asio::io_context io_;
  asio::ssl::context tls_;
  asio::ssl::stream<asio::ip::tcp::socket> stream_;
  bool greeted_ = false;
};

}  // namespace rdpmend
