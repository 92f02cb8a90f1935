#include "service/hosting/scm_install.hpp"

#include <fmt/format.h>

#include <chrono>

#include "agent-lib/support/time.hpp"
#include "agent-lib/support/utf8.hpp"
#include "service/config/config.hpp"
#include "service/config/config_edit.hpp"
#include "service/config/config_template.hpp"
#include "service/event_log/event_source.hpp"
#include "service/hosting/scm_service.hpp"
#include "service/os/platform.hpp"
#include "service/os/private_file.hpp"
#include "service/pki/pki.hpp"

namespace rdpmend {

namespace {

constexpr std::size_t k_max_config_bytes = 1 << 20;

// The configuration that the service will read, with the wished address in it.
Result<v1::ServiceConfig> settle_config(const std::filesystem::path& state, const std::optional<std::string>& listen) {
  const auto file = state / "rdpmend.textproto";
  std::error_code ignored;
  const bool present = std::filesystem::exists(std::filesystem::symlink_status(file, ignored));
  auto text = present ? read_small_file(file, k_max_config_bytes) : Result<std::string>(std::string(config_template()));
  if (!text) return fail(std::move(text).error());
  if (listen) text = with_listen_address(*text, *listen);
  if (!text) return fail(std::move(text).error());
  if (listen || !present) {
    if (auto written = write_private_file(file, *text); !written) return fail(std::move(written).error());
  }
  return load_config(file, file, Catalogue::built_in());
}

Result<std::filesystem::path> settle_keys(const std::filesystem::path& state, const std::string& listen) {
  const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  const auto pki = ensure_pki(state, machine_name(), now);
  if (!pki) return fail(pki.error());
  if (auto written = write_admin_profile(pki->paths, listen); !written) return fail(std::move(written).error());
  return pki->paths.admin_profile;
}

Status settle_event_source(std::vector<std::string>& warnings) {
  const auto program = program_file();
  if (!program) return fail(program.error());
  const auto messages = message_file(*program);
  std::error_code ignored;
  if (!std::filesystem::exists(messages, ignored))
    warnings.push_back(
        fmt::format("there is no {}: Event Viewer will show events without their texts", to_utf8(messages)));
  return add_event_source(messages);
}

// The service's working directory is another one.
Result<std::filesystem::path> whole_path(const std::filesystem::path& folder) {
  std::error_code code;
  auto whole = std::filesystem::absolute(folder, code).lexically_normal();
  if (code) return fail(ErrorCode::invalid_argument, fmt::format("{} is no folder", to_utf8(folder)), "Name a folder.");
  return whole.has_filename() ? whole : whole.parent_path();
}

}  // namespace

Result<Installed> install_service(const InstallOptions& options) {
  // First, because it says whether the caller may do this at all.
  auto manager = ServiceManager::open();
  if (!manager) return fail(std::move(manager).error());
  auto state = options.state ? whole_path(*options.state) : manager->state_folder();
  if (!state) return fail(std::move(state).error());
  if (auto made = make_private_folder(*state); !made)
    return fail(std::move(made.error()).context("cannot use the state folder"));
  const auto config = settle_config(*state, options.listen);
  if (!config) return fail(config.error());
  Installed result;
  result.state = *state;
  result.listen = config->rpc().listen();
  auto profile = settle_keys(*state, result.listen);
  if (!profile) return fail(std::move(profile).error());
  result.admin_profile = std::move(*profile);
  if (auto added = settle_event_source(result.warnings); !added) return fail(std::move(added).error());
  auto put = manager->put(*state, result.warnings);
  if (!put) return fail(std::move(put).error());
  result.updated = *put == ServiceManager::Put::updated;
  return result;
}

Result<Uninstalled> uninstall_service() {
  auto manager = ServiceManager::open();
  if (!manager) return fail(std::move(manager).error());
  Uninstalled result;
  auto removed = manager->remove(result.warnings);
  if (!removed) return fail(std::move(removed).error());
  result.was_installed = *removed;
  if (auto gone = remove_event_source(); !gone) return fail(std::move(gone).error());
  return result;
}

}  // namespace rdpmend
