// The service's keys: made once, whole, private, and good for mutual TLS.
#include "service/pki/pki.hpp"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <openssl/ssl.h>

#include "rdpmend/v1/trust.pb.h"
#include "service/pki/certificate.hpp"
#include "service/pki/trust_store.hpp"
#include "tests/service/journal_test_support.hpp"
#include "tests/service/outsiders.hpp"
#include "tests/service/temp_folder.hpp"

namespace rdpmend {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using testing::HasSubstr;
using testing::IsEmpty;

class PkiTest : public testing::Test {
 protected:
  Pki ensure(WallTime now = k_noon) {
    auto pki = ensure_pki(state, "host.example", now);
    EXPECT_TRUE(ok(pki));
    return pki.value();
  }
  std::map<std::string, std::string> all_files() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(state)) {
      if (entry.is_regular_file()) files[fs::relative(entry.path(), state).string()] = bytes_of(entry.path());
    }
    return files;
  }

  TempFolder folder;
  fs::path state = folder / "state";
  PkiPaths paths{state};
};

TEST_F(PkiTest, is_made_at_first_and_found_later) {
  const auto made = ensure();
  EXPECT_TRUE(made.made);
  EXPECT_EQ(made.server_sha256.size(), 64u);
  EXPECT_EQ(made.admin_sha256.size(), 64u);
  EXPECT_THAT(made.warnings, IsEmpty());
  const auto files = all_files();
  EXPECT_EQ(files.size(), 6u) << "server.crt, server.key, trust.textproto, admin/{server.crt, client.crt, client.key}";

  const auto found = ensure(k_noon + hours{24});
  EXPECT_FALSE(found.made);
  EXPECT_EQ(found.server_sha256, made.server_sha256);
  EXPECT_EQ(found.server_key_pem, made.server_key_pem);
  EXPECT_EQ(all_files(), files) << "nothing is written again";
}

TEST_F(PkiTest, nobody_but_the_owner_can_read_it) {
  ensure();
  ASSERT_TRUE(ok(write_admin_profile(paths, "127.0.0.1:30904")));
  EXPECT_THAT(outsiders(paths.folder), IsEmpty());
  for (const auto& entry : fs::recursive_directory_iterator(paths.folder))
    EXPECT_THAT(outsiders(entry.path()), IsEmpty()) << entry.path();
}

TEST_F(PkiTest, the_server_certificate_names_the_host) {
  const auto facts = parse_certificate(ensure().server_certificate_pem);
  ASSERT_TRUE(ok(facts));
  EXPECT_EQ(facts->common_name, "host.example");
  EXPECT_LT(facts->not_before, k_noon - hours{24 * 365 * 20}) << "good under a clock that fell back";
  EXPECT_EQ(facts->not_after, k_noon + hours{24 * 3650});
}

TEST_F(PkiTest, the_local_administrator_is_trusted) {
  ensure();
  TrustStore trust(paths.trust_file);
  const auto identity = trust.authenticate(bytes_of(paths.admin_folder / "client.crt"), k_noon);
  ASSERT_TRUE(ok(identity));
  EXPECT_EQ(identity->name, "local admin");
  EXPECT_EQ(identity->role, v1::ROLE_ADMIN);
  EXPECT_FALSE(trust.authenticate(bytes_of(paths.server_certificate), k_noon)) << "the server is no client";
}

TEST_F(PkiTest, the_profile_leads_to_everything_a_client_needs) {
  ensure();
  ASSERT_TRUE(ok(write_admin_profile(paths, "127.0.0.1:30904")));
  ASSERT_TRUE(ok(write_admin_profile(paths, "127.0.0.1:4711"))) << "the service may get another port";
  v1::ClientProfile profile;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(bytes_of(paths.admin_profile), &profile));
  EXPECT_EQ(profile.address(), "127.0.0.1:4711");
  EXPECT_EQ(bytes_of(paths.admin_folder / profile.server_certificate_file()), bytes_of(paths.server_certificate));
  EXPECT_TRUE(ok(check_key_matches(bytes_of(paths.admin_folder / profile.client_certificate_file()),
                                   bytes_of(paths.admin_folder / profile.client_key_file()))));
}

TEST_F(PkiTest, a_missing_part_is_an_error_and_nothing_is_made_anew) {
  for (const char* part : {"server.crt", "server.key"}) {
    fs::remove_all(state);
    ensure();
    fs::remove(paths.folder / part);
    const auto files = all_files();
    const auto pki = ensure_pki(state, "host.example", k_noon);
    ASSERT_FALSE(pki) << part;
    EXPECT_THAT(text_of(pki.error()), testing::AllOf(HasSubstr(part), HasSubstr("init-pki --force")));
    EXPECT_EQ(all_files(), files);
  }
}

TEST_F(PkiTest, damaged_keys_are_an_error) {
  ensure();
  write_bytes(paths.server_key, "no key");
  EXPECT_THAT(text_of(ensure_pki(state, "host.example", k_noon).error()), HasSubstr("the key is not one in PEM"));
  write_bytes(paths.server_key, bytes_of(paths.admin_folder / "client.key"));
  EXPECT_THAT(text_of(ensure_pki(state, "host.example", k_noon).error()),
              HasSubstr("the key is not the certificate's"));
  write_bytes(paths.server_certificate, "no certificate");
  EXPECT_THAT(text_of(ensure_pki(state, "host.example", k_noon).error()), HasSubstr("not a certificate"));
}

TEST_F(PkiTest, a_damaged_trust_file_is_a_warning_so_that_the_service_runs) {
  ensure();
  write_bytes(paths.trust_file, "entries { nonsense }");
  const auto pki = ensure();
  ASSERT_EQ(pki.warnings.size(), 1u);
  EXPECT_THAT(pki.warnings[0], HasSubstr("trust.textproto"));
}

TEST_F(PkiTest, warns_before_the_server_certificate_expires) {
  ensure();
  const auto pki = ensure(k_noon + hours{24 * 3600});
  ASSERT_EQ(pki.warnings.size(), 1u);
  EXPECT_THAT(pki.warnings[0], HasSubstr("init-pki --force"));
}

TEST_F(PkiTest, what_a_crash_left_unfinished_is_made_again) {
  fs::create_directories(state / "pki.new/admin");
  write_bytes(state / "pki.new/server.key", "half");
  EXPECT_TRUE(ensure().made);
  EXPECT_FALSE(fs::exists(state / "pki.new"));
}

TEST_F(PkiTest, init_refuses_to_replace_unless_told_to_and_sets_the_old_keys_aside) {
  const auto first = init_pki(state, "host.example", k_noon, IfPresent::refuse);
  ASSERT_TRUE(ok(first));
  EXPECT_FALSE(first->set_aside.has_value());
  const auto refused = init_pki(state, "host.example", k_noon, IfPresent::refuse);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::already_exists);
  EXPECT_THAT(text_of(refused.error()), HasSubstr("--force"));
  EXPECT_EQ(ensure().server_sha256, first->server_sha256);

  for (int i = 0; i < 2; ++i) {
    const auto before = bytes_of(paths.server_key);
    const auto replaced = init_pki(state, "host.example", k_noon, IfPresent::replace);
    ASSERT_TRUE(ok(replaced));
    EXPECT_NE(replaced->server_sha256, first->server_sha256);
    ASSERT_TRUE(replaced->set_aside.has_value());
    EXPECT_EQ(bytes_of(*replaced->set_aside / "server.key"), before);
  }
}

TEST_F(PkiTest, a_state_folder_that_cannot_be_made_is_an_error) {
  write_bytes(state, "a file");
  const auto pki = ensure_pki(state, "host.example", k_noon);
  ASSERT_FALSE(pki);
  EXPECT_THAT(text_of(pki.error()), HasSubstr("cannot make the service's keys"));
}

TEST_F(PkiTest, a_host_name_that_fits_no_certificate_is_an_error) {
  EXPECT_FALSE(ensure_pki(state, "evil,DNS:other", k_noon));
  EXPECT_FALSE(fs::exists(paths.folder));
}

// --- the keys at work: mutual TLS in memory ---

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Context = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;
using Tls = std::unique_ptr<SSL, Freer<SSL_free>>;

Context context_with(const SSL_METHOD* method, const fs::path& certificate, const fs::path& key) {
  Context context(SSL_CTX_new(method));
  EXPECT_EQ(SSL_CTX_use_certificate_file(context.get(), certificate.string().c_str(), SSL_FILETYPE_PEM), 1);
  EXPECT_EQ(SSL_CTX_use_PrivateKey_file(context.get(), key.string().c_str(), SSL_FILETYPE_PEM), 1);
  return context;
}

// Whether the client accepts the server when it looks for `name` and trusts only `pinned`.
bool client_accepts(const PkiPaths& paths, const fs::path& pinned, const std::string& name) {
  const auto server_context = context_with(TLS_server_method(), paths.server_certificate, paths.server_key);
  SSL_CTX_set_verify(server_context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     [](int, X509_STORE_CTX*) { return 1; });
  const auto client_context =
      context_with(TLS_client_method(), paths.admin_folder / "client.crt", paths.admin_folder / "client.key");
  SSL_CTX_set_verify(client_context.get(), SSL_VERIFY_PEER, nullptr);
  EXPECT_EQ(SSL_CTX_load_verify_locations(client_context.get(), pinned.string().c_str(), nullptr), 1);

  const Tls server(SSL_new(server_context.get()));
  const Tls client(SSL_new(client_context.get()));
  SSL_set1_host(client.get(), name.c_str());
  BIO* to_server = nullptr;
  BIO* to_client = nullptr;
  BIO_new_bio_pair(&to_server, 0, &to_client, 0);
  SSL_set_bio(client.get(), to_server, to_server);
  SSL_set_bio(server.get(), to_client, to_client);
  SSL_set_connect_state(client.get());
  SSL_set_accept_state(server.get());
  for (int i = 0; i < 20; ++i) {
    SSL_do_handshake(client.get());
    SSL_do_handshake(server.get());
  }
  return SSL_is_init_finished(client.get()) == 1 && SSL_is_init_finished(server.get()) == 1;
}

TEST_F(PkiTest, a_client_that_pins_the_server_certificate_connects_by_each_of_its_names) {
  auto pki =
      ensure_pki(state, "host.example", std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()));
  ASSERT_TRUE(ok(pki));
  const auto pinned = paths.admin_folder / "server.crt";
  for (const char* name : {"localhost", "host.example", "127.0.0.1", "::1"}) {
    // SSL_set1_host matches DNS names; addresses are matched as such from OpenSSL 3.0 on.
    EXPECT_TRUE(client_accepts(paths, pinned, name)) << name;
  }
  EXPECT_FALSE(client_accepts(paths, pinned, "other.example"));
  EXPECT_FALSE(client_accepts(paths, paths.admin_folder / "client.crt", "localhost"))
      << "another certificate was pinned";
}

}  // namespace
}  // namespace rdpmend
