#include "agent-lib/support/utf8.hpp"

#include <gtest/gtest.h>

namespace rdpmend {
namespace {

TEST(Utf8, KeepsWhatIsValid) {
  for (const std::string text : {"", "plain", "\u00E4\u20AC\U0001F600", "\u07FF\u0800\uFFFF\U00010000\U0010FFFF"}) {
    EXPECT_EQ(to_valid_utf8(text), text);
  }
}

TEST(Utf8, ReplacesEveryByteThatIsNot) {
  EXPECT_EQ(to_valid_utf8("a\x80z"), "a\uFFFDz");
  EXPECT_EQ(to_valid_utf8("\xC3"), "\uFFFD") << "cut off";
  EXPECT_EQ(to_valid_utf8("\xE2\x82"), "\uFFFD\uFFFD");
  EXPECT_EQ(to_valid_utf8("\xC0\xAF"), "\uFFFD\uFFFD") << "overlong";
  EXPECT_EQ(to_valid_utf8("\xE0\x80\xAF"), "\uFFFD\uFFFD\uFFFD") << "overlong";
  EXPECT_EQ(to_valid_utf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD") << "a surrogate";
  EXPECT_EQ(to_valid_utf8("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD") << "beyond U+10FFFF";
  EXPECT_EQ(to_valid_utf8("\xFF\u20AC"), "\uFFFD\u20AC");
}

TEST(Utf8, KnowsAsciiAtEveryLengthAndPlace) {
  for (std::size_t size = 1; size < 20; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string text(size, 'x');
      EXPECT_TRUE(is_ascii(text));
      text[at] = '\x80';
      EXPECT_FALSE(is_ascii(text)) << size << " " << at;
    }
  }
}

std::string decode(std::string_view bytes, bool big_endian, std::size_t piece) {
  Utf16Decoder decoder(big_endian);
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += piece) decoder.append(bytes.substr(at, piece), out);
  decoder.finish(out);
  return out;
}

TEST(Utf16Decoder, GivesTheSameInPiecesOfAnyLength) {
  // a, euro, U+1F600, z
  const std::string little("a\0\xAC\x20\x3D\xD8\x00\xDEz\0", 10);
  const std::string big("\0a\x20\xAC\xD8\x3D\xDE\x00\0z", 10);
  for (std::size_t piece = 1; piece <= 10; ++piece) {
    EXPECT_EQ(decode(little, false, piece), "a\u20AC\U0001F600z") << piece;
    EXPECT_EQ(decode(big, true, piece), "a\u20AC\U0001F600z") << piece;
  }
}

TEST(Utf16Decoder, ReplacesLoneSurrogatesAndWhatIsCutOff) {
  EXPECT_EQ(decode(std::string("\x00\xD8z\0", 4), false, 4), "\uFFFDz") << "high alone";
  EXPECT_EQ(decode(std::string("\x00\xDCz\0", 4), false, 4), "\uFFFDz") << "low alone";
  EXPECT_EQ(decode(std::string("\x00\xD8\x00\xD8\x00\xDC", 6), false, 6), "\uFFFD\U00010000");
  EXPECT_EQ(decode(std::string("z\0\x00\xD8", 4), false, 4), "z\uFFFD");
  EXPECT_EQ(decode(std::string("z\0z", 3), false, 3), "z\uFFFD");
}

}  // namespace
}  // namespace rdpmend
