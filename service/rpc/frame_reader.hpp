// Sees where HTTP/2 frames begin in a stream of bytes and looks at their headers, never into them: RFC 9113
// section 4.1.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace rdpmend {

struct Http2Frame {
  enum Type : std::uint8_t { k_data = 0, k_headers = 1, k_reset = 3 };
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;

  // Only DATA and HEADERS have that flag.
  bool ends_stream() const { return (type == k_data || type == k_headers) && (flags & 0x1U) != 0; }
};

class FrameReader {
 public:
  enum class From { client, server };
  // A client speaks a preface first.
  explicit FrameReader(From from) : preface_left_(from == From::client ? k_preface.size() : 0) {}

  // False: this is no HTTP/2.
  bool take(std::string_view bytes, const std::function<void(const Http2Frame&)>& begun);

 private:
  static constexpr std::string_view k_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

  std::size_t preface_left_;
  std::array<std::uint8_t, 9> header_{};
  std::size_t header_size_ = 0;
  std::size_t payload_left_ = 0;
};

}  // namespace rdpmend
