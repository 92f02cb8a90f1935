#include "agent-lib/probe/x224.hpp"
#include "tests/fuzz/fuzz_target.hpp"

namespace rdpmend::fuzz {

using x224::Confirm;
using x224::Malformed;
using x224::NeedMore;

std::vector<std::string> seed_corpus() {
  using namespace std::string_literals;
  return {"\x03\x00\x00\x13\x0E\xD0\x00\x00\x12\x34\x00\x02\x00\x08\x00\x01\x00\x00\x00"s,
          "\x03\x00\x00\x13\x0E\xD0\x00\x00\x12\x34\x00\x03\x00\x08\x00\x05\x00\x00\x00"s,
          "\x03\x00\x00\x0B\x06\xD0\x00\x00\x12\x34\x00"s,
          "\x03\x00\x02\x00\xFB\xD0"s,
          "SSH-2.0-x\r\n"s,
          "HTTP/1.1 400 \r\n"s};
}

// The answers for ever longer beginnings of one stream: need more, then at most one confirm, then malformed for good.
void check_stream(x224::Bytes stream) {
  bool ended = false;
  bool malformed = false;
  for (std::size_t size = 0; size <= stream.size(); ++size) {
    const auto reply = x224::decode_reply(stream.first(size));
    if (const auto* more = std::get_if<NeedMore>(&reply)) {
      require(!ended, "need-more never follows an answer");
      require(more->total > size && more->total <= x224::k_max_reply_bytes,
              "need-more asks for more, within the bound");
    } else if (std::holds_alternative<Confirm>(reply)) {
      require(!ended, "one confirm ends where it ends");
      const auto& confirm = std::get<Confirm>(reply);
      require(!(confirm.selected_protocol && confirm.failure_code), "a confirm is a response or a failure");
      ended = true;
    } else {
      require(!std::get<Malformed>(reply).reason.empty(), "malformed has a reason");
      ended = malformed = true;
    }
    require(!malformed || std::holds_alternative<Malformed>(reply), "what is malformed stays malformed");
  }
}

}  // namespace rdpmend::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Nothing changes beyond the bound; longer streams would only be slow, as every beginning is tried.
  rdpmend::fuzz::check_stream({data, size < 600 ? size : 600});
  return 0;
}
