#include "agent-lib/support/printable.hpp"

#include <gtest/gtest.h>

namespace rdpmend {
namespace {

TEST(IsPrintable, IsTextThatPrintableLeavesAlone) {
  EXPECT_TRUE(is_printable(""));
  EXPECT_TRUE(is_printable("Прокси 日本"));
  EXPECT_FALSE(is_printable("a\tb"));
  EXPECT_FALSE(is_printable("a\x1b[0m"));
  EXPECT_FALSE(is_printable("\xC3"));
}

TEST(Clipped, KeepsWhatFitsAndCutsBetweenCharacters) {
  EXPECT_EQ(clipped("abcdef", 6), "abcdef");
  EXPECT_EQ(clipped("abcdefg", 6), "abc...");
  EXPECT_EQ(clipped("ab\u00e9defg", 6), "ab...");
  EXPECT_EQ(clipped("\u00e9\u00e9\u00e9\u00e9", 3), "...");
}

}  // namespace
}  // namespace rdpmend
