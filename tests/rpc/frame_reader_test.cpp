// Where frames begin, however the bytes come.
#include "service/rpc/frame_reader.hpp"

#include <gmock/gmock.h>

#include "tests/rpc/raw_client.hpp"

namespace rdpmend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> frames(FrameReader& reader, std::string_view bytes, std::size_t at_once) {
  std::vector<std::string> seen;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(at_once, bytes.size()))) {
    EXPECT_TRUE(reader.take(bytes.substr(0, at_once), [&](const Http2Frame& frame) {
      seen.push_back(std::to_string(frame.type) + "/" + std::to_string(frame.stream) +
                     (frame.ends_stream() ? " end" : ""));
    }));
  }
  return seen;
}

TEST(FrameReader, SeesEachFrameOnceHoweverTheBytesCome) {
  const auto sent = http2_greeting() + http2_headers(1, "/x", true) + http2_frame(FrameType::reset, 0, 1, "abcd") +
                    http2_frame(FrameType::data, 1, 0x7FFF'FFFF, "") + http2_frame(FrameType::settings, 1, 0, "");
  for (const std::size_t at_once : {std::size_t{1}, std::size_t{7}, sent.size()}) {
    FrameReader reader(FrameReader::From::client);
    EXPECT_THAT(frames(reader, sent, at_once), ElementsAre("4/0", "8/0", "1/1 end", "3/1", "0/2147483647 end", "4/0"))
        << at_once;
  }
}

TEST(FrameReader, AServerBeginsWithoutAPreface) {
  FrameReader reader(FrameReader::From::server);
  EXPECT_THAT(frames(reader, http2_frame(FrameType::settings, 0, 0, ""), 100), ElementsAre("4/0"));
}

TEST(FrameReader, WhatIsNoHttp2IsNotTaken) {
  FrameReader reader(FrameReader::From::client);
  EXPECT_TRUE(reader.take("PRI * HTTP", [](const Http2Frame&) {}));
  EXPECT_FALSE(reader.take("/1.1", [](const Http2Frame&) {}));
}

}  // namespace
}  // namespace rdpmend
