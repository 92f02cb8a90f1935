// Who is let in, who is not and why.
#include "service/pki/trust_store.hpp"

#include <gmock/gmock.h>

#include <cctype>
#include <thread>

#include "service/pki/certificate.hpp"
#include "tests/service/journal_test_support.hpp"
#include "tests/service/temp_folder.hpp"

namespace rdpmend {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;

struct Client {
  std::string pem;
  std::string sha256;
};

Client make_client(WallTime not_before = k_noon - hours{1}, WallTime not_after = k_noon + hours{1}) {
  CertificateRequest request;
  request.common_name = "a client";
  request.not_before = not_before;
  request.not_after = not_after;
  const auto made = make_certificate(request).value();
  return {made.certificate_pem, parse_certificate(made.certificate_pem)->sha256};
}

class TrustStoreTest : public testing::Test {
 protected:
  v1::TrustEntry& add(const std::string& name, const std::string& sha256, v1::Role role = v1::ROLE_VIEWER) {
    auto& entry = *trust.add_entries();
    entry.set_name(name);
    entry.set_sha256(sha256);
    entry.set_role(role);
    return entry;
  }
  void save() { ASSERT_TRUE(ok(write_trust_file(file, trust))); }
  // Why it is refused; empty: it is let in.
  std::string refusal(const std::string& pem, WallTime now = k_noon) {
    const auto identity = store.authenticate(pem, now);
    return identity ? "" : text_of(identity.error());
  }

  TempFolder folder;
  std::filesystem::path file = folder / "trust.textproto";
  v1::TrustFile trust;
  TrustStore store{file};
  Client client = make_client();
};

TEST_F(TrustStoreTest, lets_in_whom_it_knows_with_name_and_role) {
  add("somebody else", make_client().sha256, v1::ROLE_ADMIN);
  add("anna", client.sha256, v1::ROLE_OPERATOR);
  save();
  const auto identity = store.authenticate(client.pem, k_noon);
  ASSERT_TRUE(ok(identity));
  EXPECT_EQ(identity->name, "anna");
  EXPECT_EQ(identity->role, v1::ROLE_OPERATOR);
}

TEST_F(TrustStoreTest, refuses_names_that_would_drive_a_terminal) {
  for (const std::string name : {"an\x1b[2Jna", "an\nna", "anna\u202E", "an\x7Fna"}) {
    trust.clear_entries();
    add(name, client.sha256);
    save();
    EXPECT_THAT(text_of(read_trust_file(file).error()), HasSubstr("its name has control characters"));
  }
}

TEST_F(TrustStoreTest, takes_fingerprints_as_people_write_them) {
  std::string lower;
  for (std::size_t i = 0; i < client.sha256.size(); ++i) {
    if (i > 0 && i % 2 == 0) lower += ':';
    lower += static_cast<char>(std::tolower(static_cast<unsigned char>(client.sha256[i])));
  }
  add("anna", lower);
  save();
  EXPECT_EQ(refusal(client.pem), "");
}

TEST_F(TrustStoreTest, refuses_a_stranger_and_says_which) {
  save();
  const auto identity = store.authenticate(client.pem, k_noon);
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().code, ErrorCode::unauthenticated);
  EXPECT_THAT(text_of(identity.error()), AllOf(HasSubstr(client.sha256), HasSubstr("not known")));
}

TEST_F(TrustStoreTest, lets_in_whose_trust_ends_in_the_year_9999) {
  add("anna", client.sha256).mutable_expires()->set_seconds(253'402'300'799);
  save();
  EXPECT_EQ(refusal(client.pem, k_noon), "");
}

TEST_F(TrustStoreTest, refuses_a_revoked_client) {
  add("anna", client.sha256).set_revoked(true);
  save();
  EXPECT_THAT(refusal(client.pem), HasSubstr("\"anna\" was revoked"));
}

TEST_F(TrustStoreTest, refuses_an_expired_entry_from_that_moment_on) {
  *add("anna", client.sha256).mutable_expires() = to_proto(k_noon);
  save();
  EXPECT_EQ(refusal(client.pem, k_noon - milliseconds{1}), "");
  EXPECT_THAT(refusal(client.pem, k_noon), HasSubstr("the trust in client \"anna\" expired on 2026-08-02T12:00:00"));
}

TEST_F(TrustStoreTest, refuses_a_certificate_outside_its_own_dates) {
  add("anna", client.sha256);
  save();
  EXPECT_EQ(refusal(client.pem, k_noon - hours{1}), "");
  EXPECT_EQ(refusal(client.pem, k_noon + hours{1}), "");
  EXPECT_THAT(refusal(client.pem, k_noon - hours{1} - seconds{1}),
              HasSubstr("is not valid before 2026-08-02T11:00:00"));
  EXPECT_THAT(refusal(client.pem, k_noon + hours{1} + seconds{1}),
              AllOf(HasSubstr("the certificate of client \"anna\" expired on 2026-08-02T13:00:00"),
                    HasSubstr("Check the host's clock")));
}

TEST_F(TrustStoreTest, refuses_what_is_no_certificate) {
  save();
  for (const std::string& pem : {std::string{}, std::string("garbage"), std::string(1'000'000, 'x'),
                                 std::string("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
                                 client.pem.substr(0, client.pem.size() / 2)}) {
    EXPECT_THAT(refusal(pem), HasSubstr("cannot be read"));
  }
}

TEST_F(TrustStoreTest, a_missing_file_lets_nobody_in) {
  const auto identity = store.authenticate(client.pem, k_noon);
  ASSERT_FALSE(identity);
  EXPECT_THAT(text_of(identity.error()), HasSubstr("nobody is let in"));
}

TEST_F(TrustStoreTest, a_damaged_file_lets_nobody_in_and_names_the_place) {
  add("anna", client.sha256);
  save();
  ASSERT_EQ(refusal(client.pem), "");
  const auto good = bytes_of(file);
  write_bytes(file, good + "entries {\n  role: ROLE_KING\n}\n");
  const auto later = k_noon + seconds{2};
  EXPECT_THAT(refusal(client.pem, later),
              AllOf(HasSubstr("trust.textproto"), HasSubstr("line "), HasSubstr("ROLE_KING")));
  write_bytes(file, good);
  EXPECT_EQ(refusal(client.pem, later + seconds{2}), "");
}

TEST_F(TrustStoreTest, an_entry_that_is_not_complete_lets_nobody_in) {
  const std::string good = "entries { name: \"a\" role: ROLE_ADMIN sha256: \"" + client.sha256 + "\" }\n";
  const std::pair<std::string, const char*> bad[] = {
      {"entries { name: \"b\" role: ROLE_ADMIN }", "entry 2: its sha256"},
      {"entries { name: \"b\" role: ROLE_ADMIN sha256: \"ABCD\" }", "entry 2: its sha256"},
      {"entries { name: \"b\" sha256: \"" + std::string(64, 'A') + "\" }", "entry 2: its role"},
      {"entries { name: \"b\" role: 17 sha256: \"" + std::string(64, 'A') + "\" }", "entry 2: its role"},
      {"entries { role: ROLE_ADMIN sha256: \"" + std::string(64, 'A') + "\" }", "entry 2: its name"},
      {good, "have the same certificate"},
  };
  for (const auto& [text, problem] : bad) {
    write_bytes(file, good + text);
    TrustStore fresh(file);
    const auto identity = fresh.authenticate(client.pem, k_noon);
    ASSERT_FALSE(identity) << text;
    EXPECT_EQ(identity.error().code, ErrorCode::corrupt);
    EXPECT_THAT(text_of(identity.error()), HasSubstr(problem));
  }
}

TEST_F(TrustStoreTest, sees_a_change_of_the_file_within_a_second) {
  auto& entry = add("anna", client.sha256);
  save();
  ASSERT_EQ(refusal(client.pem), "");
  entry.set_revoked(true);
  save();
  EXPECT_EQ(refusal(client.pem, k_noon + milliseconds{999}), "") << "not looked at yet";
  EXPECT_THAT(refusal(client.pem, k_noon + seconds{1}), HasSubstr("revoked"));
  entry.set_revoked(false);
  save();
  EXPECT_EQ(refusal(client.pem, k_noon - seconds{600}), "") << "the clock was set back";
}

TEST_F(TrustStoreTest, a_removed_file_shuts_everybody_out) {
  add("anna", client.sha256);
  save();
  ASSERT_EQ(refusal(client.pem), "");
  std::filesystem::remove(file);
  EXPECT_NE(refusal(client.pem, k_noon + seconds{1}), "");
}

TEST_F(TrustStoreTest, many_threads_may_ask_while_the_file_changes) {
  auto& entry = add("anna", client.sha256);
  save();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const auto identity = store.authenticate(client.pem, k_noon + seconds{i * 4 + t});
        if (!identity) {
          EXPECT_THAT(text_of(identity.error()), HasSubstr("revoked"));
        }
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    entry.set_revoked(i % 2 == 0);
    save();
  }
  for (auto& thread : threads) thread.join();
}

TEST(CertificateTest, makes_what_it_is_asked_for) {
  CertificateRequest request;
  request.common_name = "Zoë";
  request.not_before = k_noon;
  request.not_after = k_noon + hours{24};
  const auto made = make_certificate(request);
  ASSERT_TRUE(ok(made));
  const auto facts = parse_certificate(made->certificate_pem);
  ASSERT_TRUE(ok(facts));
  EXPECT_EQ(facts->common_name, "Zoë");
  EXPECT_EQ(facts->not_before, k_noon);
  EXPECT_EQ(facts->not_after, k_noon + hours{24});
  EXPECT_TRUE(ok(check_key_matches(made->certificate_pem, made->key_pem)));
  EXPECT_NE(make_certificate(request)->certificate_pem, made->certificate_pem) << "another key, another serial";
}

TEST(CertificateTest, a_key_of_another_certificate_does_not_match) {
  CertificateRequest request;
  request.common_name = "x";
  request.not_after = k_noon;
  const auto one = make_certificate(request).value();
  const auto other = make_certificate(request).value();
  EXPECT_FALSE(check_key_matches(one.certificate_pem, other.key_pem));
  EXPECT_FALSE(check_key_matches(one.certificate_pem, "garbage"));
  EXPECT_FALSE(check_key_matches("garbage", one.key_pem));
}

}  // namespace
}  // namespace rdpmend
