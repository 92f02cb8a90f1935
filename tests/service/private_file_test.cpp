// Folders and files that nobody but their owner may read.
#include "service/os/private_file.hpp"

#include <gmock/gmock.h>

#include "tests/service/journal_test_support.hpp"
#include "tests/service/outsiders.hpp"
#include "tests/service/temp_folder.hpp"

#ifdef _WIN32
#include "tests/contract/win32/wine.hpp"
#endif

namespace rdpmend {
namespace {

using testing::IsEmpty;

TEST(PrivateFolder, is_made_for_its_owner_alone) {
  const TempFolder folder;
  ASSERT_TRUE(ok(make_private_folder(folder / "a")));
  EXPECT_THAT(outsiders(folder / "a"), IsEmpty());
  EXPECT_TRUE(ok(make_private_folder(folder / "a"))) << "again";
}

TEST(PrivateFolder, one_that_was_open_is_closed_and_keeps_what_its_owner_put_into_it) {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "a/b");
  write_bytes(folder / "a/b/c", "text");
  ASSERT_TRUE(ok(make_private_folder(folder / "a")));
  EXPECT_EQ(bytes_of(folder / "a/b/c"), "text");
#ifdef _WIN32
  if (contract::is_wine()) GTEST_SKIP() << "Wine: SetSecurityInfo adds what the parent hands down";
#endif
  EXPECT_THAT(outsiders(folder / "a"), IsEmpty());
}

TEST(PrivateFolder, a_file_in_its_place_is_an_error) {
  const TempFolder folder;
  write_bytes(folder / "a", "text");
  EXPECT_FALSE(make_private_folder(folder / "a"));
}

TEST(PrivateFile, replaces_what_was_there_and_is_its_owners_alone) {
  const TempFolder folder;
  write_bytes(folder / "a", "an older and longer text");
  ASSERT_TRUE(ok(write_private_file(folder / "a", "new")));
  EXPECT_EQ(bytes_of(folder / "a"), "new");
  EXPECT_THAT(outsiders(folder / "a"), IsEmpty());
}

TEST(PrivateFile, is_not_read_beyond_its_limit) {
  const TempFolder folder;
  ASSERT_TRUE(ok(write_private_file(folder / "a", "12345")));
  EXPECT_EQ(read_small_file(folder / "a", 5).value(), "12345");
  EXPECT_FALSE(read_small_file(folder / "a", 4));
  EXPECT_FALSE(read_small_file(folder / "absent", 4));
}

}  // namespace
}  // namespace rdpmend
