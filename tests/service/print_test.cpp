// A program whose output nobody takes has still done what it did.
#include "service/os/print.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "tests/service/temp_folder.hpp"

namespace rdpmend {
namespace {

#ifdef _WIN32
std::FILE* open(const wchar_t* file, const char* mode) {
  return _wfopen(file, std::wstring(mode, mode + std::strlen(mode)).c_str());
}
#else
std::FILE* open(const char* file, const char* mode) {
  return std::fopen(file, mode);
}
#endif

class PrintTest : public testing::Test {
 protected:
  void with_stream(const char* mode, const std::function<void(std::FILE*)>& use) const {
    std::FILE* stream = open(file.c_str(), mode);
    ASSERT_NE(stream, nullptr);
    use(stream);
    std::fclose(stream);
  }

  TempFolder folder;
  const std::filesystem::path file = folder / "output";
};

TEST_F(PrintTest, writes_what_it_is_given) {
  with_stream("wb", [](std::FILE* stream) { print_to(stream, "{} {}", "the answer is", 42); });
  EXPECT_EQ(bytes_of(file), "the answer is 42");
}

TEST_F(PrintTest, a_stream_that_takes_nothing_is_no_failure) {
  write_bytes(file, "");
  with_stream("rb", [](std::FILE* stream) { EXPECT_NO_THROW(print_to(stream, "nobody reads this\n")); });
}

}  // namespace
}  // namespace rdpmend
