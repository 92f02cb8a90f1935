#include "tests/contract/stage.hpp"

namespace rdpmend::contract {
namespace {

constexpr std::string_view k_key = R"(SOFTWARE\rdpmend contract)";

TEST_P(Contract, RegistryHasNothingWhereNothingIs) {
  const auto value = host.registry.value(R"(SOFTWARE\rdpmend no such key)", "x");
  ASSERT_TRUE(value) << to_string(value.error());
  EXPECT_EQ(*value, std::nullopt);
}

TEST_P(Contract, RegistryValuesKeepTheirTypes) {
  const RegistryBinary bytes{0, 1, 0xFF};
  // Non-ASCII, and longer than any first guess.
  const std::string text = "M\xC3\xBCnchen " + std::string(3000, 'x');
  RDPMEND_REQUIRE(stage->put(std::string(k_key), "number", std::uint32_t{0xFFFFFFFE}));
  RDPMEND_REQUIRE(stage->put(std::string(k_key), "text", text));
  RDPMEND_REQUIRE(stage->put(std::string(k_key), "bytes", bytes));
  EXPECT_EQ(read_dword(host.registry, k_key, "number"), 0xFFFFFFFE);
  EXPECT_EQ(read_text(host.registry, k_key, "text"), text);
  EXPECT_EQ(read_binary(host.registry, k_key, "bytes"), bytes);
  EXPECT_EQ(host.registry.value(k_key, "other"), std::nullopt);
  EXPECT_EQ(read_dword(host.registry, k_key, "text").error().code, ErrorCode::corrupt);
}

TEST_P(Contract, RegistryNamesHaveNoCase) {
  RDPMEND_REQUIRE(stage->put(std::string(k_key), "Number", std::uint32_t{7}));
  EXPECT_EQ(read_dword(host.registry, R"(software\RDPMEND Contract)", "nUMBER"), 7U);
}

TEST_P(Contract, RegistryTextsAreNotExpanded) {
  RDPMEND_REQUIRE(stage->put(std::string(k_key), "path", std::string(R"(%SystemRoot%\System32\termsrv.dll)")));
  EXPECT_EQ(read_text(host.registry, k_key, "path"), R"(%SystemRoot%\System32\termsrv.dll)");
}

TEST_P(Contract, ARegistryKeyHasAnOwnerAndAnAccessListAndOneThatIsNotThereHasNone) {
  const auto found = host.registry.security(registry_key::k_remote_desktop_store_key);
  ASSERT_TRUE(found) << to_string(found.error());
  if (!*found) GTEST_SKIP() << "the host has no Remote Desktop store";
  EXPECT_THAT((*found)->owner_sid(), testing::StartsWith("S-1-"));
  EXPECT_GT((*found)->dacl_size(), 0);
  const auto none = host.registry.security(R"(SOFTWARE\rdpmend no such key)");
  ASSERT_TRUE(none) << to_string(none.error());
  EXPECT_FALSE(none->has_value());
}

}  // namespace
}  // namespace rdpmend::contract
