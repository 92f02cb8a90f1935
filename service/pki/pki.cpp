#include "service/pki/pki.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <chrono>

#include "agent-lib/support/utf8.hpp"
#include "rdpmend/v1/trust.pb.h"
#include "service/os/private_file.hpp"
#include "service/pki/certificate.hpp"
#include "service/pki/trust_store.hpp"

namespace rdpmend {

namespace fs = std::filesystem;

namespace {

using Days = std::chrono::duration<std::int64_t, std::ratio<86400>>;

// Trust here is the pinned fingerprint; dates add nothing to it, and a wrong clock is one of the faults that an
// administrator must be able to come in for. So both certificates are valid since long before any clock that fell back
// to its default, and for ten years: the server's because every remote client has to be told of its successor, the
// local administrator's because it never leaves the host and whoever may read its key is administrator there anyway.
// Revocation is an entry in the trust file. Certificates of remote clients, which do travel, are to be much shorter.
constexpr WallTime k_valid_since = std::chrono::sys_days{std::chrono::year{2000} / 1 / 1};
constexpr Days k_lifetime{3650};
constexpr Days k_warn_before{60};

constexpr std::size_t k_max_pem_file = 64 * 1024;
constexpr int k_max_set_aside_at_once = 100;
constexpr char k_admin_name[] = "local admin";
constexpr char k_server_name[] = "localhost";
constexpr char k_start_over[] = "Restore the missing file, or begin anew with `rdpmendd init-pki --force`.";

Result<CertificateAndKey> make_server(const std::string& host_name, WallTime now) {
  CertificateRequest request;
  request.usage = CertificateRequest::Usage::server;
  request.common_name = host_name.substr(0, 64);  // RFC 5280, ub-common-name.
  request.dns_names = {k_server_name};
  if (host_name != k_server_name) request.dns_names.push_back(host_name);
  request.addresses = {"127.0.0.1", "::1"};
  request.not_before = k_valid_since;
  request.not_after = now + k_lifetime;
  return make_certificate(request);
}

Result<CertificateAndKey> make_admin(WallTime now) {
  CertificateRequest request;
  request.common_name = std::string("rdpmend ") + k_admin_name;
  request.not_before = k_valid_since;
  request.not_after = now + k_lifetime;
  return make_certificate(request);
}

v1::TrustFile trust_in_admin(const std::string& sha256, WallTime now) {
  v1::TrustFile trust;
  auto& entry = *trust.add_entries();
  entry.set_name(k_admin_name);
  entry.set_sha256(sha256);
  entry.set_role(v1::ROLE_ADMIN);
  *entry.mutable_added() = to_proto(now);
  return trust;
}

// Writes all of it below `paths`; the answer is the administrator's fingerprint.
Result<std::string> write_all(const PkiPaths& paths, const std::string& host_name, WallTime now) {
  const auto server = make_server(host_name, now);
  if (!server) return fail(server.error());
  const auto admin = make_admin(now);
  if (!admin) return fail(admin.error());
  const auto admin_facts = parse_certificate(admin->certificate_pem);
  if (!admin_facts) return fail(admin_facts.error());

  for (const auto& folder : {paths.folder, paths.admin_folder}) {
    if (const auto made = make_private_folder(folder); !made) return fail(made.error());
  }
  const std::pair<fs::path, std::string_view> files[] = {{paths.server_certificate, server->certificate_pem},
                                                         {paths.server_key, server->key_pem},
                                                         {paths.admin_folder / "server.crt", server->certificate_pem},
                                                         {paths.admin_folder / "client.crt", admin->certificate_pem},
                                                         {paths.admin_folder / "client.key", admin->key_pem}};
  for (const auto& [file, text] : files) {
    if (const auto written = write_private_file(file, text); !written) return fail(written.error());
  }
  if (const auto written = write_trust_file(paths.trust_file, trust_in_admin(admin_facts->sha256, now)); !written) {
    return fail(written.error());
  }
  return admin_facts->sha256;
}

Result<std::string> read_part(const fs::path& file) {
  auto text = read_small_file(file, k_max_pem_file);
  if (text) return text;
  auto error = Error(text.error()).context("the service's keys are not complete");
  if (error.hint.empty()) error.hint = k_start_over;
  return fail(std::move(error));
}

Result<Pki> load(const PkiPaths& paths, WallTime now) {
  auto certificate = read_part(paths.server_certificate);
  if (!certificate) return fail(certificate.error());
  auto key = read_part(paths.server_key);
  if (!key) return fail(key.error());
  const auto facts = parse_certificate(*certificate);
  if (!facts) {
    return fail(ErrorCode::corrupt, fmt::format("{}: {}", to_utf8(paths.server_certificate), facts.error().what),
                k_start_over);
  }
  if (const auto matches = check_key_matches(*certificate, *key); !matches) {
    return fail(ErrorCode::corrupt, fmt::format("{}: {}", to_utf8(paths.server_key), matches.error().what),
                k_start_over);
  }
  // Not an error: the service must run to be repaired, and lets nobody in meanwhile.
  Pki pki{paths, std::move(*certificate), std::move(*key), facts->sha256, false, {}, std::nullopt, {}};
  if (const auto trust = read_trust_file(paths.trust_file); !trust) pki.warnings.push_back(to_string(trust.error()));
  if (facts->not_after - now < k_warn_before) {
    pki.warnings.push_back(
        fmt::format("The service's own certificate expires on {}; clients cannot connect from then on. "
                    "Make a new one with `rdpmendd init-pki --force`.",
                    to_iso8601(facts->not_after)));
  }
  return pki;
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

tl::unexpected<Error> cannot_name(const fs::path& path, const std::error_code& code) {
  return fail(Error{ErrorCode::denied, fmt::format("cannot put {} in place: {}", to_utf8(path), code.message()),
                    "Give the service's account access to the state folder.",
                    OsError{code.category().name(), code.value()}});
}

// Where keys are made, under a name that nobody uses: after a crash there is all of it or nothing.
PkiPaths unfinished(const fs::path& state_folder) {
  return PkiPaths::in(state_folder / "pki.new");
}

Result<std::string> make(const fs::path& state_folder, const std::string& host_name, WallTime now) {
  const auto paths = unfinished(state_folder);
  std::error_code ignored;
  fs::remove_all(paths.folder, ignored);
  auto admin = write_all(paths, host_name, now);
  if (!admin) return fail(Error(admin.error()).context("cannot make the service's keys"));
  return admin;
}

// `admin_sha256` is what make said.
Result<Pki> put_in_place(const fs::path& state_folder, std::string admin_sha256, WallTime now) {
  const PkiPaths paths(state_folder);
  std::error_code code;
  fs::rename(unfinished(state_folder).folder, paths.folder, code);
  if (code) return cannot_name(paths.folder, code);
  auto pki = load(paths, now);
  if (!pki) return pki;
  pki->made = true;
  pki->admin_sha256 = std::move(admin_sha256);
  return pki;
}

Result<fs::path> set_aside(const fs::path& folder, WallTime now) {
  const auto stem =
      fmt::format("{}.set-aside-{:%Y%m%dT%H%M%SZ}", to_utf8(folder), std::chrono::floor<std::chrono::seconds>(now));
  auto target = path_from_utf8(stem);
  for (int number = 2; is_there(target); ++number) {
    if (number > k_max_set_aside_at_once) {
      return fail(ErrorCode::exhausted, fmt::format("cannot set {} aside: too many of that name", to_utf8(folder)),
                  "Remove the ones that are not needed.");
    }
    target = path_from_utf8(fmt::format("{}-{}", stem, number));
  }
  std::error_code code;
  fs::rename(folder, target, code);
  if (code) return cannot_name(target, code);
  return target;
}

}  // namespace

PkiPaths::PkiPaths(const fs::path& state_folder) : PkiPaths(in(state_folder / "pki")) {}

PkiPaths PkiPaths::in(const fs::path& folder) {
  PkiPaths paths;
  paths.folder = folder;
  paths.server_certificate = folder / "server.crt";
  paths.server_key = folder / "server.key";
  paths.trust_file = folder / "trust.textproto";
  paths.admin_folder = folder / "admin";
  paths.admin_profile = paths.admin_folder / "client.textproto";
  return paths;
}

Result<Pki> ensure_pki(const fs::path& state_folder, const std::string& host_name, WallTime now) {
  const PkiPaths paths(state_folder);
  if (is_there(paths.folder)) return load(paths, now);
  const auto admin = make(state_folder, host_name, now);
  if (!admin) return fail(admin.error());
  return put_in_place(state_folder, *admin, now);
}

Result<Pki> init_pki(const fs::path& state_folder, const std::string& host_name, WallTime now, IfPresent present) {
  const PkiPaths paths(state_folder);
  if (present == IfPresent::refuse && is_there(paths.folder)) {
    return fail(
        ErrorCode::already_exists, fmt::format("{} is there already", to_utf8(paths.folder)),
        "The service uses it as it is. To begin anew, which shuts out every client that is trusted now, use --force.");
  }
  const auto admin = make(state_folder, host_name, now);
  if (!admin) return fail(admin.error());
  std::optional<fs::path> former;
  if (is_there(paths.folder)) {
    const auto moved = set_aside(paths.folder, now);
    if (!moved) return fail(moved.error());
    former = *moved;
  }
  auto pki = put_in_place(state_folder, *admin, now);
  if (pki) pki->set_aside = former;
  return pki;
}

Status write_admin_profile(const PkiPaths& paths, const std::string& address) {
  v1::ClientProfile profile;
  profile.set_address(address);
  profile.set_server_name(k_server_name);
  profile.set_server_certificate_file("server.crt");
  profile.set_client_certificate_file("client.crt");
  profile.set_client_key_file("client.key");
  std::string text;
  if (!google::protobuf::TextFormat::PrintToString(profile, &text))
    return fail(ErrorCode::internal, "cannot write the profile as text");
  return write_private_file(
      paths.admin_profile,
      "# How the local administrator's client reaches this service: rdpmend.v1.ClientProfile.\n" + text);
}

}  // namespace rdpmend
