#include "agent-lib/support/address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "agent-lib/support/asio.hpp"

namespace rdpmend {

namespace {

constexpr std::size_t k_max_name_bytes = 253;  // RFC 1035, as text without the final dot.
constexpr std::string_view k_hint = "Write HOST, HOST:PORT, or [IPV6]:PORT";

auto wrong(std::string what) {
  return fail(ErrorCode::invalid_argument, std::move(what), std::string{k_hint});
}

bool is_ipv6(std::string_view text) {
  boost::system::error_code error;
  asio::ip::make_address_v6(std::string{text}, error);
  return !error;
}

// International names are written in their ASCII form, xn--..., as DNS has them.
bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

std::optional<std::uint16_t> number_of(std::string_view text) {
  std::uint16_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

Result<std::uint16_t> parse_port(std::string_view text) {
  const auto port = number_of(text);
  if (!port || *port == 0) return wrong(fmt::format("port '{}' is not a number from 1 to 65535", text));
  return *port;
}

Result<HostPort> parse_bracketed(std::string_view text) {
  const auto close = text.find(']');
  if (close == std::string_view::npos) return wrong(fmt::format("'{}' has no closing bracket", text));
  const auto host = text.substr(1, close - 1);
  const auto rest = text.substr(close + 1);
  if (!is_ipv6(host)) return wrong(fmt::format("'{}' is not an IPv6 address", host));
  if (rest.empty()) return HostPort{std::string{host}, std::nullopt};
  if (rest.front() != ':') return wrong(fmt::format("'{}' follows the address", rest));
  return parse_port(rest.substr(1)).map([&](std::uint16_t port) { return HostPort{std::string{host}, port}; });
}

// Session events of connections that come through ngrok say "::%16777216", which no page explains:
// https://github.com/SigmaHQ/sigma, win_terminalservices_rdp_ngrok.yml
constexpr std::string_view k_odd_loopback = "::%16777216";

tl::unexpected<Error> no_listen_address(std::string what) {
  return fail(ErrorCode::invalid_argument, std::move(what),
              "Write an IP address and a port, such as 127.0.0.1:30904 or [::1]:30904.");
}

}  // namespace

Result<HostPort> parse_host_port(std::string_view text) {
  if (text.empty()) return wrong("the host is empty");
  if (text.front() == '[') return parse_bracketed(text);
  if (is_ipv6(text)) return HostPort{std::string{text}, std::nullopt};

  const auto colon = text.find(':');
  const auto host = text.substr(0, colon);
  if (host.empty()) return wrong(fmt::format("'{}' has no host before the port", text));
  if (host.size() > k_max_name_bytes)
    return wrong(fmt::format("the host has {} bytes; a name has at most 253", host.size()));
  if (!std::all_of(host.begin(), host.end(), is_name_byte)) return wrong("the host has a character that no name has");
  if (colon == std::string_view::npos) return HostPort{std::string{host}, std::nullopt};
  return parse_port(text.substr(colon + 1)).map([&](std::uint16_t port) { return HostPort{std::string{host}, port}; });
}

std::string to_text(std::string_view host, std::uint16_t port) {
  return host.find(':') == std::string_view::npos ? fmt::format("{}:{}", host, port)
                                                  : fmt::format("[{}]:{}", host, port);
}

std::optional<std::string> address_in(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (text.front() == '[') {
    text = text.substr(1, text.find(']') - 1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    text = text.substr(0, text.find(':'));
  }
  if (text == k_odd_loopback) return "::1";
  boost::system::error_code error;
  const auto address = asio::ip::make_address(std::string{text.substr(0, text.find('%'))}, error);
  if (error) return std::nullopt;
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  return address.to_string();
}

bool is_loopback(std::string_view address) {
  boost::system::error_code error;
  const auto parsed = asio::ip::make_address(std::string{address}, error);
  return !error && parsed.is_loopback();
}

Result<HostPort> parse_listen_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return no_listen_address(fmt::format("\"{}\" has no port", text));
  auto address = text.substr(0, colon);
  const bool bracketed = address.size() >= 2 && address.front() == '[' && address.back() == ']';
  if (bracketed) address = address.substr(1, address.size() - 2);
  boost::system::error_code error;
  const auto parsed = asio::ip::make_address(std::string{address}, error);
  if (error || parsed.is_v6() != bracketed) return no_listen_address(fmt::format("\"{}\" is not ADDRESS:PORT", text));
  if (const auto port = number_of(text.substr(colon + 1))) return HostPort{std::string{address}, port};
  return no_listen_address(fmt::format("\"{}\" is not a port from 0 (any free one) to 65535", text.substr(colon + 1)));
}

}  // namespace rdpmend
