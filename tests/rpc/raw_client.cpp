#include "tests/rpc/raw_client.hpp"

#include <openssl/ssl.h>

#include <array>
#include <functional>

namespace rdpmend {

namespace {

constexpr std::size_t k_frame_header = 9;

}  // namespace

std::string http2_frame(FrameType type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
  std::string frame;
  const auto number = [&](std::uint32_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) frame += static_cast<char>(value >> shift & 0xFF);
  };
  number(static_cast<std::uint32_t>(payload.size()), 3);
  number(static_cast<std::uint8_t>(type), 1);
  number(flags, 1);
  number(stream, 4);
  return frame.append(payload);
}

std::vector<HeardFrame> frames_of(std::string_view bytes) {
  std::vector<HeardFrame> frames;
  while (bytes.size() >= k_frame_header) {
    const auto number = [&](std::size_t first, std::size_t count) {
      std::uint32_t value = 0;
      for (const auto byte : bytes.substr(first, count)) value = value << 8 | static_cast<std::uint8_t>(byte);
      return value;
    };
    const auto size = number(0, 3);
    if (bytes.size() - k_frame_header < size) break;
    frames.push_back({static_cast<FrameType>(number(3, 1)), static_cast<std::uint8_t>(number(4, 1)), number(5, 4),
                      std::string(bytes.substr(k_frame_header, size))});
    bytes.remove_prefix(k_frame_header + size);
  }
  return frames;
}

std::string hpack_field(std::string_view name, std::string_view value) {
  std::string field(1, '\0');
  for (const auto text : {name, value}) {
    field += static_cast<char>(text.size());
    field += text;
  }
  return field;
}

std::string request_fields(std::string_view path) {
  return hpack_field(":method", "POST") + hpack_field(":scheme", "https") + hpack_field(":path", path) +
         hpack_field(":authority", "localhost") + hpack_field("content-type", "application/grpc") +
         hpack_field("te", "trailers");
}

std::string http2_headers(std::uint32_t stream, std::string_view path, bool end) {
  const auto flags = static_cast<std::uint8_t>(k_end_headers | (end ? k_end_stream : 0));
  return http2_frame(FrameType::headers, flags, stream, request_fields(path));
}

std::string http2_greeting() {
  using namespace std::string_view_literals;
  // SETTINGS_INITIAL_WINDOW_SIZE, and the connection's own window: RFC 9113 sections 6.5.2 and 6.9.
  return std::string(k_http2_preface) + http2_frame(FrameType::settings, 0, 0, "\0\x04\x7F\xFF\xFF\xFF"sv) +
         http2_frame(FrameType::window_update, 0, 0, "\x7F\xFF\0\0"sv);
}

std::string http2_call(std::string_view path, std::string_view name, std::string_view value) {
  return std::string(k_http2_preface) + http2_frame(FrameType::settings, 0, 0, "") +
         http2_frame(FrameType::headers, k_end_stream | k_end_headers, 1,
                     request_fields(path) + hpack_field(name, value));
}

RawClient::RawClient(const std::string& address, const CertificateAndKey& client, int tls_version)
    : tls_(asio::ssl::context::tls_client), stream_(io_, tls_) {
  const auto colon = address.rfind(':');
  const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)));
  auto* native = stream_.native_handle();
  SSL_set_min_proto_version(native, tls_version);
  SSL_set_max_proto_version(native, tls_version);
  constexpr unsigned char k_alpn[] = {2, 'h', '2'};
  SSL_set_alpn_protos(native, k_alpn, sizeof(k_alpn));
  stream_.next_layer().connect({asio::ip::make_address(address.substr(0, colon)), port});
  // The stream took its settings from the context when it was made, so a certificate is set on the stream itself.
  asio::ssl::context keys(asio::ssl::context::tls_client);
  keys.use_certificate(asio::buffer(client.certificate_pem), asio::ssl::context::pem);
  keys.use_private_key(asio::buffer(client.key_pem), asio::ssl::context::pem);
  SSL_use_certificate(native, SSL_CTX_get0_certificate(keys.native_handle()));
  SSL_use_PrivateKey(native, SSL_CTX_get0_privatekey(keys.native_handle()));
  boost::system::error_code error;
  stream_.handshake(asio::ssl::stream_base::client, error);
  greeted_ = !error;
}

void RawClient::send(std::string_view bytes) {
  boost::system::error_code gone;
  asio::write(stream_, asio::buffer(bytes), gone);
}

RawClient::Heard RawClient::listen(std::chrono::milliseconds patience, const Enough& enough) {
  Heard heard;
  std::array<char, 4096> buffer{};
  std::function<void()> read = [&] {
    stream_.async_read_some(asio::buffer(buffer), [&](const boost::system::error_code& error, std::size_t size) {
      heard.bytes.append(buffer.data(), size);
      heard.closed = error && error != asio::error::operation_aborted;
      if (!error && !enough(heard.bytes)) read();
    });
  };
  read();
  io_.restart();
  io_.run_for(patience);
  const auto in_time = heard;  // What hanging up ourselves looks like is not the server's doing.
  boost::system::error_code ignored;
  stream_.next_layer().cancel(ignored);  // A read that is still under way refers to this function's values.
  io_.restart();
  io_.run();
  return in_time;
}

bool RawClient::ends(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::array<char, 4096> buffer{};
  bool ended = false;
  std::function<void()> read = [&] {
    stream_.async_read_some(asio::buffer(buffer), [&](const boost::system::error_code& error, std::size_t) {
      if (error) {
        ended = error != asio::error::operation_aborted;
      } else {
        read();
      }
    });
  };
  read();
  io_.restart();
  io_.run_until(deadline);
  const bool in_time = ended;  // Hanging up ourselves may look like the server's doing, too.
  boost::system::error_code ignored;
  stream_.next_layer().close(ignored);
  io_.restart();
  io_.run();
  return in_time;
}

}  // namespace rdpmend
