#include "service/rpc/frame_reader.hpp"

#include <algorithm>

namespace rdpmend {

bool FrameReader::take(std::string_view bytes, const std::function<void(const Http2Frame&)>& begun) {
  const auto preface = bytes.substr(0, preface_left_);
  if (k_preface.substr(k_preface.size() - preface_left_, preface.size()) != preface) return false;
  preface_left_ -= preface.size();
  bytes.remove_prefix(preface.size());
  while (!bytes.empty()) {
    const auto skipped = std::min(payload_left_, bytes.size());
    payload_left_ -= skipped;
    bytes.remove_prefix(skipped);
    while (!bytes.empty() && header_size_ < header_.size()) {
      header_[header_size_++] = static_cast<std::uint8_t>(bytes.front());
      bytes.remove_prefix(1);
    }
    if (header_size_ < header_.size()) break;
    const auto number = [&](std::size_t from, std::size_t to) {
      std::uint32_t value = 0;
      for (auto i = from; i < to; ++i) value = value << 8U | header_[i];
      return value;
    };
    payload_left_ = number(0, 3);
    header_size_ = 0;
    begun({header_[3], header_[4], number(5, 9) & 0x7FFF'FFFFU});
  }
  return true;
}

}  // namespace rdpmend
