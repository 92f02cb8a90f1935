#include "agent-lib/knowledge/stock_host.hpp"
#include "tests/contract/stage.hpp"

namespace rdpmend::contract {
namespace {

constexpr std::string_view k_kept = "rdpmend-contract-copy";
constexpr std::string_view k_aside = "rdpmend-contract-aside";

void expect_same_list(const v1::FileSecurity& found, const v1::FileSecurity& wanted) {
  EXPECT_EQ(found.dacl_protected(), wanted.dacl_protected());
  ASSERT_EQ(found.dacl_size(), wanted.dacl_size());
  for (int i = 0; i < wanted.dacl_size(); ++i) {
    EXPECT_EQ(found.dacl(i).sid(), wanted.dacl(i).sid());
    EXPECT_EQ(found.dacl(i).mask(), wanted.dacl(i).mask());
    EXPECT_EQ(found.dacl(i).type(), wanted.dacl(i).type());
  }
}

v1::Ace allow(std::string_view sid, std::uint32_t mask) {
  v1::Ace ace;
  ace.set_type(v1::Ace::TYPE_ALLOW);
  ace.set_sid(std::string(sid));
  ace.set_mask(mask);
  return ace;
}

TEST_P(Contract, AKeyFileThatIsNotThereIsNone) {
  EXPECT_EQ(host.key_files.find(k_machine_keys_folder, "rdpmend-no-such-file").value().has_value(), false);
  const auto written = host.key_files.write_dacl(k_machine_keys_folder, "rdpmend-no-such-file", {});
  RDPMEND_ASSERT_FAILS_WITH(ErrorCode::not_found, written);
}

TEST_P(Contract, AKeyFileIsPlainAndHasAnOwnerAndAnAccessList) {
  const auto name = stage->key_file();
  RDPMEND_REQUIRE(name);
  const auto found = host.key_files.find(name->folder, name->file);
  ASSERT_TRUE(found) << to_string(found.error());
  ASSERT_TRUE(*found);
  EXPECT_TRUE((*found)->plain);
  EXPECT_GT((*found)->size, 0U);
  EXPECT_THAT((*found)->security.owner_sid(), testing::StartsWith("S-1-"));
  EXPECT_GT((*found)->security.dacl_size(), 0);
}

TEST_P(Contract, AnAccessListIsReplacedAndTheOwnerStays) {
  const auto name = stage->key_file();
  RDPMEND_REQUIRE(name);
  RDPMEND_REQUIRE(stage->access_lists_are_kept());
  const auto before = host.key_files.find(name->folder, name->file).value().value().security;

  v1::FileSecurity wanted;
  wanted.set_dacl_protected(true);
  *wanted.add_dacl() = allow(sid::k_system, k_file_all_access);
  *wanted.add_dacl() = allow(sid::k_administrators, k_file_all_access);
  *wanted.add_dacl() = allow(sid::k_network_service, k_file_generic_read);
  RDPMEND_REQUIRE(host.key_files.write_dacl(name->folder, name->file, wanted));

  const auto after = host.key_files.find(name->folder, name->file).value().value().security;
  EXPECT_EQ(after.owner_sid(), before.owner_sid());
  EXPECT_TRUE(after.dacl_protected());
  EXPECT_FALSE(after.dacl_absent());
  EXPECT_EQ(granted_mask(after, sid::k_network_service), k_file_generic_read);
  expect_same_list(after, wanted);
}

// Of old and of new builds (measured.md K2).
TEST_P(Contract, TheListsThatWindowsMakesAreKeptWordForWord) {
  const auto name = stage->key_file();
  RDPMEND_REQUIRE(name);
  RDPMEND_REQUIRE(stage->access_lists_are_kept());
  for (const auto& known : stock_hosts()) {
    const auto& stock = known.listener_key_file().security();
    RDPMEND_REQUIRE(host.key_files.write_dacl(name->folder, name->file, stock));
    const auto found = host.key_files.find(name->folder, name->file);
    ASSERT_TRUE(found && *found);
    expect_same_list((*found)->security, stock);
  }
}

TEST_P(Contract, AKeyFileIsKeptAndPutBackAsItWas) {
  const auto name = stage->key_file();
  RDPMEND_REQUIRE(name);
  RDPMEND_REQUIRE(stage->access_lists_are_kept());
  RDPMEND_REQUIRE(host.key_files.write_dacl(name->folder, name->file, stock_key_file_security(20348)));
  const auto before = host.key_files.find(name->folder, name->file).value().value();
  const auto kept = host.key_files.keep(name->folder, name->file, k_kept);
  RDPMEND_REQUIRE(kept);
  RDPMEND_REQUIRE(host.key_files.write_dacl(name->folder, name->file, stock_key_file_security(14393)));

  RDPMEND_REQUIRE(host.key_files.put_back(k_kept, name->folder, name->file));
  const auto after = host.key_files.find(name->folder, name->file).value().value();
  EXPECT_EQ(after.size, before.size);
  EXPECT_TRUE(after.plain);
  EXPECT_EQ(after.security.owner_sid(), before.security.owner_sid());
  expect_same_list(after.security, before.security);
}

TEST_P(Contract, OnlyAKeyFileThatIsThereIsKeptAndOnlyACopyThatIsThereIsPutBack) {
  const auto kept = host.key_files.keep(k_machine_keys_folder, "rdpmend-no-such-file", k_kept);
  RDPMEND_ASSERT_FAILS_WITH(ErrorCode::not_found, kept);
  const auto put_back = host.key_files.put_back("rdpmend-no-such-copy", k_machine_keys_folder, "rdpmend-no-such-file");
  RDPMEND_ASSERT_FAILS_WITH(ErrorCode::not_found, put_back);
  EXPECT_EQ(host.key_files.find(k_machine_keys_folder, "rdpmend-no-such-file").value().has_value(), false);
}

TEST_P(Contract, AKeyFileIsMovedAsideAndBackAsItWas) {
  const auto name = stage->key_file();
  RDPMEND_REQUIRE(name);
  const auto before = host.key_files.find(name->folder, name->file).value().value();
  ASSERT_EQ(host.key_files.find_aside(k_aside).value().has_value(), false);

  const auto moved = host.key_files.move_aside(name->folder, name->file, k_aside);
  RDPMEND_REQUIRE(moved);
  EXPECT_EQ(host.key_files.find(name->folder, name->file).value().has_value(), false);
  EXPECT_EQ(host.key_files.find_aside(k_aside).value().value().size, before.size);

  const auto back = host.key_files.move_back(k_aside, name->folder, name->file);
  ASSERT_TRUE(back) << to_string(back.error());
  EXPECT_EQ(host.key_files.find_aside(k_aside).value().has_value(), false);
  const auto after = host.key_files.find(name->folder, name->file).value().value();
  EXPECT_EQ(after.size, before.size);
  EXPECT_EQ(after.security.owner_sid(), before.security.owner_sid());
  expect_same_list(after.security, before.security);
}

TEST_P(Contract, NothingIsReplacedByAKeyFileThatIsMoved) {
  const auto name = stage->key_file();
  RDPMEND_REQUIRE(name);
  constexpr std::string_view k_taken = "rdpmend-contract-taken";
  const auto kept = host.key_files.keep(name->folder, name->file, k_kept);
  RDPMEND_REQUIRE(kept);
  RDPMEND_REQUIRE(host.key_files.move_aside(name->folder, name->file, k_taken));
  ASSERT_TRUE(host.key_files.put_back(k_kept, name->folder, name->file));  // As SessionEnv makes a new key.

  const auto back = host.key_files.move_back(k_taken, name->folder, name->file);
  RDPMEND_ASSERT_FAILS_WITH(ErrorCode::already_exists, back);
  const auto again = host.key_files.move_aside(name->folder, name->file, k_taken);
  RDPMEND_ASSERT_FAILS_WITH(ErrorCode::already_exists, again);
  EXPECT_TRUE(host.key_files.find_aside(k_taken).value().has_value());
  EXPECT_TRUE(host.key_files.find(name->folder, name->file).value().has_value());
}

TEST_P(Contract, OnlyAKeyFileThatIsThereIsMoved) {
  const auto aside = host.key_files.move_aside(k_machine_keys_folder, "rdpmend-no-such-file", "rdpmend-none");
  RDPMEND_ASSERT_FAILS_WITH(ErrorCode::not_found, aside);
  const auto back = host.key_files.move_back("rdpmend-none", k_machine_keys_folder, "rdpmend-no-such-file");
  RDPMEND_ASSERT_FAILS_WITH(ErrorCode::not_found, back);
}

}  // namespace
}  // namespace rdpmend::contract
