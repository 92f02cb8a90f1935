#include "cli/session/profile.hpp"

#include <fmt/format.h>
#include <openssl/err.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <vector>

#include "agent-lib/support/openssl.hpp"
#include "agent-lib/support/textproto.hpp"
#include "agent-lib/support/utf8.hpp"
#include "rdpmend/v1/trust.pb.h"

namespace rdpmend::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t k_max_file_bytes = 64 * 1024;
constexpr const char* k_how_to_get_one =
    "Run it as administrator (root) on the host itself, or name a profile with --profile FILE or RDPMEND_PROFILE; "
    "`rdpmendd rehearse` prints where its state folder is, with pki/admin/client.textproto in it";

Result<std::string> read_small_file(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory) {
    return fail(ErrorCode::unauthenticated, fmt::format("there is no file {}", to_utf8(path)), k_how_to_get_one);
  }
  if (!error && size > k_max_file_bytes) {
    return fail(ErrorCode::invalid_argument, fmt::format("{} is too large for a client profile", to_utf8(path)),
                "Name the client.textproto of a service with --profile FILE");
  }
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (error || !file || text.empty()) {
    return fail(ErrorCode::unauthenticated, fmt::format("cannot read {}", to_utf8(path)), k_how_to_get_one);
  }
  return text;
}

Result<v1::ClientProfile> parse_profile(const fs::path& path, const std::string& text) {
  v1::ClientProfile profile;
  std::vector<TextprotoError> errors;
  if (!parse_textproto(text, profile, errors, nullptr)) {
    const auto& first = errors.front();
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}:{}:{}: {}", to_utf8(path), first.line, first.column, first.message),
                "Restore the profile: the service writes client.textproto anew when it starts");
  }
  if (profile.server_certificate_file().empty() || profile.client_certificate_file().empty() ||
      profile.client_key_file().empty()) {
    return fail(ErrorCode::invalid_argument, fmt::format("{} names no certificates", to_utf8(path)),
                "A client profile has server_certificate_file, client_certificate_file and client_key_file");
  }
  return profile;
}

// gRPC takes anything, and then says only that it cannot connect.
Status check_keys(const Profile& profile) {
  const auto client = openssl::read_certificate(profile.client_certificate_pem);
  const auto key = openssl::read_private_key(profile.client_key_pem);
  const char* wrong = !openssl::read_certificate(profile.server_certificate_pem) ? "its server certificate is damaged"
                      : !client                                                  ? "its client certificate is damaged"
                      : !key                                                     ? "its client key is damaged"
                      : X509_check_private_key(client.get(), key.get()) != 1
                          ? "its client key does not belong to its client certificate"
                          : nullptr;
  ERR_clear_error();
  if (wrong == nullptr) return {};
  return fail(ErrorCode::unauthenticated, fmt::format("the client profile {} cannot be used: {}", profile.file, wrong),
              "Make the keys anew on the host: rdpmendd init-pki");
}

}  // namespace

fs::path default_profile_path() {
#ifdef _WIN32
  const char* program_data = std::getenv("ProgramData");
  const fs::path state = fs::path{program_data != nullptr ? program_data : "C:\\ProgramData"} / "rdpmend";
#else
  const fs::path state = "/var/lib/rdpmend";
#endif
  return state / "pki" / "admin" / "client.textproto";
}

Result<Profile> read_profile(const fs::path& file) {
  const auto text = read_small_file(file);
  if (!text) return fail(Error{text.error()}.context("no client profile"));
  const auto parsed = parse_profile(file, *text);
  if (!parsed) return fail(parsed.error());
  // Relative to the profile; an absolute path stays what it is.
  const auto folder = file.parent_path();
  auto server = read_small_file(folder / path_from_utf8(parsed->server_certificate_file()));
  auto client = read_small_file(folder / path_from_utf8(parsed->client_certificate_file()));
  auto key = read_small_file(folder / path_from_utf8(parsed->client_key_file()));
  for (auto* part : {&server, &client, &key}) {
    if (!*part) return fail(std::move(part->error()).context("the client profile is incomplete"));
  }
  Profile profile{to_utf8(file),      parsed->address(),  parsed->server_name(),
                  std::move(*server), std::move(*client), std::move(*key)};
  if (auto checked = check_keys(profile); !checked) return fail(std::move(checked).error());
  return profile;
}

Result<WallTime> expiry_of(const std::string& certificate_pem) {
  const auto certificate = openssl::read_certificate(certificate_pem);
  int days = 0;
  int seconds = 0;
  const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> epoch(ASN1_TIME_set(nullptr, 0), ASN1_TIME_free);
  if (!certificate || ASN1_TIME_diff(&days, &seconds, epoch.get(), X509_get0_notAfter(certificate.get())) != 1) {
    return fail(ErrorCode::corrupt, "this is no certificate in PEM form");
  }
  google::protobuf::Timestamp expiry;  // Whose conversion knows that 9999-12-31 does not fit.
  expiry.set_seconds(std::int64_t{days} * 86'400 + seconds);
  return from_proto(expiry);
}

}  // namespace rdpmend::cli
