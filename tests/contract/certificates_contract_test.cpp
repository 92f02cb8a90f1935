#include "agent-lib/sim/sim_certificates.hpp"
#include "tests/contract/stage.hpp"

namespace rdpmend::contract {
namespace {

using testing::Contains;
using testing::Field;
using testing::Not;

constexpr std::string_view k_absent_certificate = "0123456789ABCDEF0123456789ABCDEF01234567";

v1::CertificateCopy make_copy(const std::string& container, const std::string& provider) {
  const auto noon = std::chrono::sys_days{std::chrono::year{2024} / 5 / 1} + std::chrono::hours{12};
  v1::CertificateCopy copy;
  copy.set_present(true);
  copy.set_der(sim::make_self_signed(
      sim::make_key_pair(false),
      {.common_name = "contract.example.net", .not_before = noon, .not_after = noon + std::chrono::days{30}}));
  copy.set_key_container(container);
  copy.set_key_provider(provider);
  return copy;
}

TEST_P(Contract, AStoreThatDoesNotExistIsNotFoundAndNotMade) {
  for (int i = 0; i < 2; ++i) {
    RDPMEND_ASSERT_FAILS_WITH(ErrorCode::not_found, host.certificates.list("rdpmend no such store"));
  }
  EXPECT_EQ(host.certificates.find("rdpmend no such store", k_absent_certificate).error().code, ErrorCode::not_found);
}

TEST_P(Contract, ACertificateThatIsNotThereIsNotFound) {
  const auto store = stage->store();
  RDPMEND_REQUIRE(store);
  EXPECT_EQ(host.certificates.find(*store, k_absent_certificate), std::nullopt);
  EXPECT_EQ(host.certificates.remove(*store, k_absent_certificate).error().code, ErrorCode::not_found);
  EXPECT_EQ(host.certificates.key_use(*store, k_absent_certificate).error().code, ErrorCode::not_found);
}

TEST_P(Contract, ACertificateIsAddedFoundListedAndRemoved) {
  const auto store = stage->store();
  RDPMEND_REQUIRE(store);
  const auto copy = make_copy("rdpmend-contract-none", "Microsoft Enhanced Cryptographic Provider v1.0");
  const auto expected = sim::read_certificate(copy.der()).value();
  const auto added = host.certificates.add(*store, copy);
  RDPMEND_REQUIRE(added);
  EXPECT_EQ(host.certificates.add(*store, copy).error().code, ErrorCode::already_exists);

  const auto found = host.certificates.find(*store, expected.sha1);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->sha1, expected.sha1);
  EXPECT_EQ((*found)->subject, "CN=contract.example.net");
  EXPECT_EQ((*found)->not_before, expected.not_before);
  EXPECT_EQ((*found)->not_after, expected.not_after);
  EXPECT_TRUE((*found)->server_authentication);
  EXPECT_EQ((*found)->der, copy.der());
  EXPECT_EQ((*found)->key_container, copy.key_container());
  EXPECT_EQ((*found)->key_provider, copy.key_provider());
  EXPECT_THAT(host.certificates.list(*store).value(), Contains(Field(&Certificate::sha1, expected.sha1)));

  RDPMEND_REQUIRE(host.certificates.remove(*store, expected.sha1));
  EXPECT_EQ(host.certificates.find(*store, expected.sha1), std::nullopt);
  EXPECT_THAT(host.certificates.list(*store).value(), Not(Contains(Field(&Certificate::sha1, expected.sha1))));
}

TEST_P(Contract, AThumbprintMayBeInLowerCase) {
  const auto store = stage->store();
  RDPMEND_REQUIRE(store);
  const auto copy = make_copy("", "");
  auto sha1 = sim::read_certificate(copy.der()).value().sha1;
  RDPMEND_REQUIRE(host.certificates.add(*store, copy));
  for (char& c : sha1) c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  EXPECT_TRUE(host.certificates.find(*store, sha1).value());
  EXPECT_TRUE(host.certificates.remove(*store, sha1));
}

TEST_P(Contract, WhatIsNoCertificateIsNotAdded) {
  const auto store = stage->store();
  RDPMEND_REQUIRE(store);
  v1::CertificateCopy copy;
  copy.set_der("no certificate");
  EXPECT_EQ(host.certificates.add(*store, copy).error().code, ErrorCode::invalid_argument);
}

TEST_P(Contract, ACertificateWithoutItsKeyHasItsKeyMissing) {
  const auto store = stage->store();
  RDPMEND_REQUIRE(store);
  for (const auto& copy :
       {make_copy("", ""), make_copy("rdpmend-contract-none", "Microsoft Enhanced Cryptographic Provider v1.0")}) {
    const auto sha1 = sim::read_certificate(copy.der()).value().sha1;
    RDPMEND_REQUIRE(host.certificates.add(*store, copy));
    const auto use = host.certificates.key_use(*store, sha1);
    EXPECT_TRUE(host.certificates.remove(*store, sha1));
    ASSERT_TRUE(use) << to_string(use.error());
    EXPECT_EQ(*use, KeyUse::missing) << copy.key_container();
  }
}

TEST_P(Contract, ACertificateWithItsKeyCanUseItAndRemovingItLeavesTheKey) {
  const auto sha1 = stage->certificate_with_key();
  RDPMEND_REQUIRE(sha1);
  const auto store = stage->store().value();
  const auto certificate = host.certificates.find(store, *sha1).value().value();
  EXPECT_EQ(host.certificates.key_use(store, *sha1), KeyUse::usable);
  RDPMEND_REQUIRE(host.certificates.remove(store, *sha1));

  v1::CertificateCopy copy;
  copy.set_der(certificate.der);
  copy.set_key_container(certificate.key_container);
  copy.set_key_provider(certificate.key_provider);
  RDPMEND_REQUIRE(host.certificates.add(store, copy));
  EXPECT_EQ(host.certificates.key_use(store, *sha1), KeyUse::usable);
}

TEST_P(Contract, AnotherCertificateWithThatKeyDoesNotMatchIt) {
  const auto sha1 = stage->certificate_with_key();
  RDPMEND_REQUIRE(sha1);
  const auto store = stage->store().value();
  const auto owner = host.certificates.find(store, *sha1).value().value();
  const auto copy = make_copy(owner.key_container, owner.key_provider);
  const auto other = sim::read_certificate(copy.der()).value().sha1;
  RDPMEND_REQUIRE(host.certificates.add(store, copy));
  const auto use = host.certificates.key_use(store, other);
  EXPECT_TRUE(host.certificates.remove(store, other));
  RDPMEND_REQUIRE(use);
  EXPECT_EQ(*use, KeyUse::mismatch);
}

TEST_P(Contract, AMachineKeyCanBeMadeForATrialAndAgain) {
  for (int i = 0; i < 2; ++i) {
    const auto made = host.certificates.try_key();
    RDPMEND_REQUIRE(made);
  }
}

}  // namespace
}  // namespace rdpmend::contract
