#include "cli/format/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "agent-lib/support/printable.hpp"
#include "cli/format/table.hpp"

namespace rdpmend::cli {
namespace {

using testing::ElementsAre;

TEST(DisplayWidth, CountsColumnsAndNotBytes) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("Прокси"), 6U);
  EXPECT_EQ(display_width("日本"), 4U);
  EXPECT_EQ(display_width("e\u0301"), 1U);
}

TEST(Printable, TakesTheTeethOutOfEscapeSequences) {
  EXPECT_EQ(printable("a\x1b[2Jb"), "a\uFFFD[2Jb");
  EXPECT_EQ(printable("\u009b0m"), "\uFFFD0m");
  EXPECT_EQ(printable("exe\u202Etxt"), "exe\uFFFDtxt");
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\uFFFDb");
}

TEST(Printable, ReplacesBrokenUtf8ByteByByte) {
  EXPECT_EQ(printable("\xC3"), "\uFFFD");
  EXPECT_EQ(printable("\xC0\xAF"), "\uFFFD\uFFFD");
  EXPECT_EQ(printable("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(printable("ok \xF0\x9F\x98\x80"), "ok \U0001F600");
}

TEST(Printable, KeepsLinesTogether) {
  EXPECT_EQ(printable("a\nb\tc"), "a b c");
}

TEST(Wrap, BreaksBetweenWords) {
  EXPECT_THAT(wrap("one two three", 7), ElementsAre("one two", "three"));
  EXPECT_THAT(wrap("one two three", 8), ElementsAre("one two", "three"));
  EXPECT_THAT(wrap("one two three", 0), ElementsAre("one two three"));
  EXPECT_THAT(wrap("", 10), ElementsAre(""));
}

TEST(Wrap, CutsAWordThatIsTooLong) {
  EXPECT_THAT(wrap("abcdefgh ij", 3), ElementsAre("abc", "def", "gh", "ij"));
  EXPECT_THAT(wrap("日本語", 4), ElementsAre("日本", "語"));
  EXPECT_THAT(wrap("日本", 1), ElementsAre("日", "本"));
}

TEST(Wrap, LeavesNoSpacesAtTheEndOfALine) {
  EXPECT_THAT(wrap("one  two", 6), ElementsAre("one", "two"));
}

TEST(Wrap, EndsForTextOfSpaces) {
  EXPECT_FALSE(wrap("          ", 3).empty());
}

TEST(Table, AlignsByDisplayWidthAndWrapsTheLastColumn) {
  std::ostringstream out;
  Page page(out, {43, false});
  Table table({"NAME", ">N", "TEXT"});
  table.add({"日本", "1", "a text that goes on and on and on and on"});
  table.add({"x", "100", "short"});
  table.print(page);
  EXPECT_EQ(out.str(),
            "NAME    N  TEXT\n"
            "日本    1  a text that goes on and on and\n"
            "           on and on\n"
            "x     100  short\n");
}

TEST(Table, PutsTheLastColumnBelowWhereThereIsNoRoomForIt) {
  std::ostringstream out;
  Page page(out, {40, false});
  Table table({"NAME", "STATE", "SUMMARY"});
  table.add({"certificate_expired", "repaired", "it expired two days ago and was made anew"});
  table.print(page);
  EXPECT_EQ(out.str(),
            "NAME                 STATE\n"
            "certificate_expired  repaired\n"
            "    it expired two days ago and was made\n"
            "    anew\n");
}

TEST(Table, LeavesNoSpacesAtTheEndOfALine) {
  std::ostringstream out;
  Page page(out, {});
  Table table({"A", "B"});
  table.add({"1", ""});
  table.print(page);
  EXPECT_EQ(out.str(), "A  B\n1\n");
}

TEST(Page, ColoursOnlyIfAsked) {
  std::ostringstream plain;
  std::ostringstream coloured;
  Page(plain, {80, false}).text("bad", 0, Style::bad);
  Page(coloured, {80, true}).text("bad", 0, Style::bad);
  EXPECT_EQ(plain.str(), "bad\n");
  EXPECT_EQ(coloured.str(), "\x1b[31mbad\x1b[0m\n");
}

TEST(Page, HostileTextCannotPaint) {
  std::ostringstream out;
  Page(out, {80, true}).field("subject", "CN=\x1b[2J\x1b]0;x\x07");
  EXPECT_EQ(out.str().find("\x1b[2J"), std::string::npos);
  EXPECT_EQ(out.str().find('\x07'), std::string::npos);
}

}  // namespace
}  // namespace rdpmend::cli
