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

TEST_P(Contract, ARegistryValueIsWrittenWithItsTypeAndReplacesOneOfAnother) {
  RDPMEND_REQUIRE(stage->put(std::string(k_key), "written", std::uint32_t{1}));
  const RegistryBinary bytes{0, 0xFF, 1};
  for (const RegistryValue& value :
       {RegistryValue(std::string("M\xC3\xBCnchen")), RegistryValue(ExpandableText{"%SystemRoot%\\x"}),
        RegistryValue(bytes), RegistryValue(RegistryBinary{}), RegistryValue(std::string()),
        RegistryValue(std::uint32_t{0xFFFFFFFE})}) {
    const auto written = host.registry.set(k_key, "Written", value);
    ASSERT_TRUE(written) << to_string(written.error());
    EXPECT_EQ(host.registry.value(k_key, "written").value(), std::optional(value));
  }
}

TEST_P(Contract, ARegistryValueIsDeletedAloneAndOneThatIsNotThereCountsAsDeleted) {
  RDPMEND_REQUIRE(stage->put(std::string(k_key), "kept", std::uint32_t{1}));
  RDPMEND_REQUIRE(stage->put(std::string(k_key), "deleted", std::uint32_t{2}));
  for (int i = 0; i < 2; ++i) {
    const auto erased = host.registry.erase(k_key, "Deleted");
    ASSERT_TRUE(erased) << to_string(erased.error());
    EXPECT_EQ(host.registry.value(k_key, "deleted"), std::nullopt);
  }
  EXPECT_EQ(read_dword(host.registry, k_key, "kept"), 1U);
}

TEST_P(Contract, NoRegistryKeyIsMadeForAValue) {
  constexpr std::string_view k_none = R"(SOFTWARE\rdpmend no such key)";
  const auto written = host.registry.set(k_none, "x", std::uint32_t{1});
  RDPMEND_ASSERT_FAILS_WITH(ErrorCode::not_found, written);
  const auto erased = host.registry.erase(k_none, "x");
  RDPMEND_ASSERT_FAILS_WITH(ErrorCode::not_found, erased);
  EXPECT_EQ(host.registry.value(k_none, "x"), std::nullopt);
}

}  // namespace
}  // namespace rdpmend::contract
