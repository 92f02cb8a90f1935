#include "agent-lib/probe/served_certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent-lib/support/openssl.hpp"
#include "agent-lib/support/time.hpp"
#include "tests/probe/test_certificate.hpp"

namespace rdpmend {
namespace {

using test::CertificateWish;
using test::make_certificate;

TEST(ServedCertificate, HasThumbprintsNamesDatesAndBytes) {
  const auto made = make_certificate({.common_name = "host, with \"signs\""});
  const auto served = describe_certificate(*made.x509);
  EXPECT_EQ(served.sha1(), made.sha1);
  EXPECT_EQ(served.sha256(), made.sha256);
  EXPECT_EQ(served.sha1().size(), 40U);
  EXPECT_EQ(served.sha256().size(), 64U);
  EXPECT_EQ(served.subject(), "CN=host\\, with \\\"signs\\\"");
  EXPECT_EQ(served.issuer(), served.subject());
  EXPECT_EQ(served.not_after().seconds() - served.not_before().seconds(), 7200);
  const auto* der = reinterpret_cast<const unsigned char*>(served.der().data());
  const openssl::X509Certificate again{d2i_X509(nullptr, &der, static_cast<long>(served.der().size()))};
  ASSERT_TRUE(again);
  EXPECT_EQ(X509_cmp(again.get(), made.x509.get()), 0);
}

TEST(ServedCertificate, NamesBeyondAsciiAreEscapedSoThatTheTextIsAlwaysUtf8) {
  EXPECT_EQ(describe_certificate(*make_certificate({.common_name = "h\xC3\xB6st"}).x509).subject(), "CN=h\\C3\\B6st");
}

TEST(ServedCertificate, ServerAuthenticationFollowsTheExtendedKeyUsage) {
  const auto allows = [](const char* usage) {
    return describe_certificate(*make_certificate({.extended_key_usage = usage}).x509).server_authentication();
  };
  EXPECT_TRUE(allows(""));
  EXPECT_TRUE(allows("serverAuth"));
  EXPECT_TRUE(allows("clientAuth,serverAuth"));
  EXPECT_TRUE(allows("1.3.6.1.4.1.311.54.1.2")) << "Remote Desktop Authentication";
  EXPECT_FALSE(allows("clientAuth"));
  EXPECT_FALSE(allows("1.3.6.1.4.1.311.54.1.1"));
}

TEST(ServedCertificate, AnExtendedKeyUsageThatCannotBeReadAllowsNothing) {
  const auto made = make_certificate();
  const std::unique_ptr<ASN1_OCTET_STRING, decltype(&ASN1_OCTET_STRING_free)> junk{ASN1_OCTET_STRING_new(),
                                                                                   &ASN1_OCTET_STRING_free};
  ASN1_OCTET_STRING_set(junk.get(), reinterpret_cast<const unsigned char*>("\xFF\xFF"), 2);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension{
      X509_EXTENSION_create_by_NID(nullptr, NID_ext_key_usage, 0, junk.get()), &X509_EXTENSION_free};
  X509_add_ext(made.x509.get(), extension.get(), -1);
  EXPECT_FALSE(describe_certificate(*made.x509).server_authentication());
}

TEST(ServedCertificate, ADateBeyondWhatWeCountIsTheLastMomentThatWeDo) {
  const auto made = make_certificate();
  ASSERT_EQ(ASN1_TIME_set_string_X509(X509_getm_notAfter(made.x509.get()), "99991231235959Z"), 1);
  ASSERT_EQ(ASN1_TIME_set_string_X509(X509_getm_notBefore(made.x509.get()), "00010101000000Z"), 1);
  const auto served = describe_certificate(*made.x509);
  EXPECT_EQ(from_proto(served.not_after()), std::chrono::floor<std::chrono::seconds>(WallTime::max()));
  EXPECT_EQ(from_proto(served.not_before()), std::chrono::ceil<std::chrono::seconds>(WallTime::min()));
}

}  // namespace
}  // namespace rdpmend
