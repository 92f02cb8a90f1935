#include "agent-lib/events/event_file.hpp"
#include "tests/paths.hpp"

#include <gmock/gmock.h>

#include <array>
#include <fstream>
#include <random>
#include <sstream>

#include "agent-lib/events/event_xml.hpp"
#include "tests/events/event_samples.hpp"

namespace rdpmend {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Read {
  std::vector<std::string> events;
  std::vector<std::uint64_t> lines;  // Of the events.
  std::vector<std::uint64_t> offsets;
  std::vector<std::string> problems;  // "line: reason"
  std::vector<FilePosition> problem_places;
  Result<EventFileTotals> totals;
};

Read read(const std::string& text) {
  Read out;
  std::istringstream in(text);
  out.totals = read_events(in, {[&](std::string_view xml, const FilePosition& where) {
                                  out.events.emplace_back(xml);
                                  out.lines.push_back(where.line);
                                  out.offsets.push_back(where.offset);
                                },
                                [&](const FileProblem& problem) {
                                  out.problems.push_back(fmt::format("{}: {}", problem.where.line, problem.reason));
                                  out.problem_places.push_back(problem.where);
                                }});
  return out;
}

std::string event(int id) {
  return make_event("P", std::to_string(id), "System", "");
}

// UTF-16 of text in the basic plane and beyond.
std::string to_utf16(std::string_view utf8, bool big_endian) {
  std::string out;
  const auto put = [&](unsigned unit) {
    const char high = static_cast<char>(unit >> 8);
    const char low = static_cast<char>(unit & 0xFF);
    out += big_endian ? high : low;
    out += big_endian ? low : high;
  };
  for (std::size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    unsigned code = length == 1 ? lead : lead & (0x7FU >> length);
    for (std::size_t k = 1; k < length; ++k) code = code << 6 | (static_cast<unsigned char>(utf8[i + k]) & 0x3FU);
    if (code >= 0x10000) {
      put(0xD800 + ((code - 0x10000) >> 10));
      put(0xDC00 + ((code - 0x10000) & 0x3FF));
    } else {
      put(code);
    }
    i += length;
  }
  return out;
}

std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// --- real input ---

class Examples : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(k_examples)) GTEST_SKIP() << "../shared/evtx/examples.xml is absent";
  }
};

TEST_F(Examples, AreReadAndParsedWithoutLosingOne) {
  std::size_t parsed = 0;
  const auto totals =
      read_event_file(k_examples, {[&](std::string_view xml, const FilePosition& where) {
                                     const auto record = parse_event(xml);
                                     ASSERT_TRUE(record) << where.line << ": " << record.error().what;
                                     EXPECT_TRUE(record->time) << where.line;
                                     EXPECT_FALSE(record->channel.empty()) << where.line;
                                     ++parsed;
                                   },
                                   [](const FileProblem& problem) { ADD_FAILURE() << problem.reason; }});
  ASSERT_TRUE(totals);
  EXPECT_EQ(totals->events, k_example_events);
  EXPECT_EQ(parsed, k_example_events);
  EXPECT_EQ(totals->bytes, std::filesystem::file_size(k_examples));
}

TEST_F(Examples, AreTheSameInEveryEncoding) {
  const auto utf8 = slurp(k_examples);
  const auto plain = read(utf8);
  ASSERT_EQ(plain.events.size(), k_example_events);
  const auto with_mark = read("\xEF\xBB\xBF" + utf8);
  EXPECT_EQ(with_mark.events, plain.events);
  EXPECT_EQ(with_mark.offsets.front(), plain.offsets.front() + 3);
  for (const bool big : {false, true}) {
    const auto marked = to_utf16("\uFEFF" + utf8, big);
    const auto read_marked = read(marked);
    EXPECT_EQ(read_marked.events, plain.events) << big;
    EXPECT_EQ(read_marked.lines, plain.lines) << big;
    EXPECT_EQ(read(to_utf16(utf8, big)).events, plain.events) << "without a mark, " << big;
    for (const auto offset : read_marked.offsets) {
      ASSERT_EQ(marked.substr(offset, 12), to_utf16("<Event", big)) << "the offset is one of the file";
    }
  }
}

// --- shapes of files ---

TEST(EventFile, ReadsEventsWithAndWithoutARoot) {
  const auto bare = read(event(1) + event(2) + "\r\n" + event(3));
  EXPECT_THAT(bare.events, ElementsAre(event(1), event(2), event(3)));
  const auto rooted = read("<?xml version='1.0'?>\n<!-- by <Event > -->\n<Events xmlns='x'>\n" + event(1) +
                           "\n<Other/>" + event(2) + "</Events>");
  EXPECT_THAT(rooted.events, ElementsAre(event(1), event(2)));
  EXPECT_THAT(rooted.lines, ElementsAre(4, 5));
  const auto twice = read("\uFEFF<?xml version='1.0'?>" + event(1) + "<?xml version='1.0'?>\n" + event(2));
  EXPECT_THAT(twice.events, ElementsAre(event(1), event(2)));
  EXPECT_THAT(bare.problems, IsEmpty());
}

TEST(EventFile, FindsEventsOnlyWhereTheyAre) {
  const std::string tricky =
      "<e:Event xmlns:e='n' note=\"a>b /Event>\"><e:System><e:Provider Name='P'/><e:EventID>1</e:EventID></e:System>"
      "<!-- </Event> <Event > --><e:EventData><Data Name='x>y'><![CDATA[</e:Event><Event >]]></Data>"
      "<Event>5</Event><Event/><EventID2/></e:EventData><?pi </Event> ?></e:Event>";
  const auto found = read("<Examples><EventList/><!-- <Event> -->" + tricky + event(2) + "</Examples>");
  EXPECT_THAT(found.events, ElementsAre(tricky, event(2)));
  EXPECT_THAT(found.problems, IsEmpty());
  EXPECT_THAT(read("<![CDATA[" + event(1) + "]]>" + event(2)).events, ElementsAre(event(2)));
}

TEST(EventFile, GivesAnEmptyElementAsAnEvent) {
  EXPECT_THAT(read("<Event/><Event />" + event(1)).events, ElementsAre("<Event/>", "<Event />", event(1)));
}

TEST(EventFile, TakesAnEmptyExportForWhatItIs) {
  for (const std::string& text :
       {std::string(), std::string(" \r\n"), std::string("\xFF\xFE"), std::string("<Events></Events>")}) {
    const auto found = read(text);
    ASSERT_TRUE(found.totals) << to_string(found.totals.error());
    EXPECT_EQ(found.totals->events, 0U);
    EXPECT_THAT(found.problems, IsEmpty());
  }
}

TEST(EventFile, RefusesOtherFilesWithAHint) {
  const auto evtx = read(std::string("ElfFile\0\0\0\0", 11));
  ASSERT_FALSE(evtx.totals);
  EXPECT_THAT(evtx.totals.error().hint, HasSubstr("wevtutil qe FILE.evtx /lf:true"));
  const auto text = read("Level,Date and Time,Source,Event ID\nError,1,Schannel,36870\n");
  ASSERT_FALSE(text.totals);
  EXPECT_THAT(text.totals.error().hint, HasSubstr("wevtutil"));

  const EventFileSink sink{[](std::string_view, const FilePosition&) {}, [](const FileProblem&) {}};
  const auto missing = read_event_file("/no/such/file.xml", sink);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  const auto folder = read_event_file(test::source_dir(), sink);
  ASSERT_FALSE(folder);
  EXPECT_THAT(folder.error().what, HasSubstr("folder"));
}

// --- broken events cost themselves only ---

TEST(EventFile, ReportsATruncatedTail) {
  const auto whole = event(1) + "\n" + event(2);
  for (const std::size_t cut : {8U, 100U, 200U}) {
    const auto found = read(whole.substr(0, whole.size() - cut));
    EXPECT_THAT(found.events, ElementsAre(event(1)));
    ASSERT_THAT(found.problems, ElementsAre(HasSubstr("2: the file ends inside this event"))) << cut;
    EXPECT_EQ(found.problem_places.front().offset, event(1).size() + 1);
    EXPECT_EQ(found.totals->events, 2U);
  }
  EXPECT_THAT(read(event(1) + "\n<!-- open").problems, ElementsAre(HasSubstr("2: the file ends inside a comment")));
}

TEST(EventFile, GoesOnAfterAnEventWithoutAnEnd) {
  const auto open = event(1).substr(0, event(1).size() - 20);
  const auto found = read(event(1) + "\n" + open + "\n" + event(2) + event(3));
  EXPECT_THAT(found.events, ElementsAre(event(1), event(2), event(3)));
  EXPECT_THAT(found.problems, ElementsAre(HasSubstr("2: the event has no end")));
  EXPECT_EQ(found.totals->events, 4U);
}

TEST(EventFile, GoesOnAfterAMissingQuote) {
  auto broken = make_event("P", "1", "System", "<EventData><Data Name='open>x</Data></EventData>");
  const auto found = read(broken + event(2) + event(3));
  EXPECT_THAT(found.events, ElementsAre(broken, event(2), event(3)));
}

// Serves `size` bytes of one event without ever holding them.
class HugeEvent : public std::streambuf {
 public:
  HugeEvent(std::string head, std::uint64_t size, std::string tail) : size_(size), tail_(std::move(tail)) {
    piece_ = std::move(head);
    set();
  }

 protected:
  int_type underflow() override {
    if (size_ > 0) {
      piece_.assign(std::min<std::uint64_t>(size_, 1 << 16), 'x');
      size_ -= piece_.size();
    } else {
      piece_ = std::exchange(tail_, {});
    }
    set();
    return piece_.empty() ? traits_type::eof() : traits_type::to_int_type(piece_.front());
  }

 private:
  void set() { setg(piece_.data(), piece_.data(), piece_.data() + piece_.size()); }
  std::uint64_t size_;
  std::string piece_;
  std::string tail_;
};

// Peak resident memory; 0 where the system does not tell.
long peak_kilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == "VmHWM:") {
      long value = 0;
      status >> value;
      return value;
    }
  }
  return 0;
}

TEST(EventFile, SkipsAnEventOfAHundredMegabytesInBoundedMemory) {
  const auto body = [](std::string_view open) {
    return make_event("P", "9", "System", fmt::format("<EventData>{}", open));
  };
  for (const std::string_view open : {"<Data>", "<Data Name='", "<!--", "<![CDATA[", "<"}) {
    auto head = body(open);
    head.resize(head.size() - std::string_view("</Event>").size());
    const std::string close = open == "<!--" ? "-->" : open == "<![CDATA[" ? "]]>" : "'></Data>";
    HugeEvent buffer(event(1) + "\n" + head, 100'000'000, close + "</EventData></Event>\n" + event(2));
    std::istream in(&buffer);
    std::vector<std::string> events;
    std::vector<FileProblem> problems;
    const auto before = peak_kilobytes();
    const auto totals = read_events(in, {[&](std::string_view xml, const FilePosition&) { events.emplace_back(xml); },
                                         [&](const FileProblem& problem) { problems.push_back(problem); }});
    const auto grown = peak_kilobytes() - before;
    ASSERT_TRUE(totals);
    EXPECT_GT(totals->bytes, 100'000'000U);
    EXPECT_THAT(events, ElementsAre(event(1), event(2))) << open;
    ASSERT_EQ(problems.size(), 1U) << open;
    EXPECT_THAT(problems.front().reason, HasSubstr("larger than"));
    EXPECT_EQ(problems.front().where.line, 2U);
    EXPECT_EQ(problems.front().where.offset, event(1).size() + 1);
    EXPECT_LT(grown, 16 * 1024) << open;
  }
}

TEST(EventFile, KeepsAnEventAtTheBound) {
  const auto frame = make_event("P", "1", "System", "<EventData><Data></Data></EventData>");
  auto sized = [&](std::size_t size) {
    auto text = frame;
    return text.insert(text.find("</Data>"), std::string(size - frame.size(), 'x'));
  };
  EXPECT_EQ(read(sized(k_max_event_xml_bytes) + event(2)).events.size(), 2U);
  const auto over = read(sized(k_max_event_xml_bytes + 1) + event(2));
  EXPECT_THAT(over.events, ElementsAre(event(2)));
  EXPECT_EQ(over.problems.size(), 1U);
}

// Chunks end at any byte: shifting the text moves every seam through it.
TEST(EventFile, DoesNotCareWhereChunksEnd) {
  const std::string piece = "<!-- c --><Event a='>'><System/><![CDATA[</Event>]]><Event>5</Event></Event>";
  for (std::size_t shift = 0; shift < piece.size() + 2; ++shift) {
    const auto padding = std::string(64 * 1024 - shift, ' ');
    const auto found = read(padding + piece + event(2));
    ASSERT_EQ(found.events.size(), 2U) << shift;
    ASSERT_EQ(found.events.front(), piece.substr(10)) << shift;
  }
}

TEST(EventFile, SurvivesAnyBytes) {
  const auto seed = static_cast<unsigned>(testing::UnitTest::GetInstance()->random_seed());
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::minstd_rand random(seed);
  constexpr std::array<std::string_view, 14> k_parts{"<Event>",   "</Event>", "<Event ",  "<!--", "-->",
                                                     "<![CDATA[", "]]>",      "<System>", "<?",   "?>",
                                                     "'",         "\"",       "/>",       "<"};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (std::size_t i = 0, parts = random() % 40; i < parts; ++i) text += k_parts[random() % k_parts.size()];
    const auto found = read("x<a>" + text);
    ASSERT_TRUE(found.totals);
    // Every event found is handed on or reported.
    ASSERT_GE(found.events.size() + found.problems.size(), found.totals->events) << text;
    ASSERT_LE(found.events.size(), found.totals->events) << text;
  }
}

}  // namespace
}  // namespace rdpmend
