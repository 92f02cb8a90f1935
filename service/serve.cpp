#include "service/serve.hpp"

#include "agent-lib/support/log.hpp"
#include "service/app.hpp"
#include "service/config/config.hpp"
#include "service/hosts/host_session.hpp"
#include "service/os/hard_stop.hpp"
#include "service/os/private_file.hpp"

namespace rdpmend {

namespace {

Status serve_logged(const ServeOptions& options, const v1::ServiceConfig& config, ProcessOwner& owner) {
  std::optional<HardStop> limit;  // Outlives what it limits, the ends of the app and the host included.
  auto host = open_this_machine(options.state / "kept");
  if (!host) return fail(std::move(host.error()));
  owner.progress();
  auto app =
      App::start({config, options.state, (*host)->control(), [&owner](std::uint64_t) { owner.journal_grew(); },
                  [&owner](const std::string& what) { owner.journal_failed(what); }, [&owner] { owner.progress(); }});
  if (!app) return fail(std::move(app.error()));
  if (const auto told = (*host)->set_on_change([&app] { (*app)->host_changed(); }); !told)
    log::warning("changes of this host's settings are noticed on schedule alone: {}", to_string(told.error()));
  owner.running({(*app)->rpc_address(), (*app)->admin_profile(), (*app)->journal()});
  const auto reason = owner.wait();
  owner.stopping();
  limit.emplace([&owner] { owner.hung(); });
  (void)(*host)->set_on_change(nullptr);
  (*app)->stop(reason);
  owner.stopped();
  return {};
}

}  // namespace

Status serve(const ServeOptions& options, ProcessOwner& owner) {
  // First: whoever makes this folder says who may read what is in it, and who may have written its configuration.
  if (auto made = make_private_folder(options.state); !made)
    return fail(std::move(made.error()).context("cannot use the state folder"));
  const auto config = load_config(options.config, options.state / "rdpmend.textproto", Catalogue::built_in());
  if (!config) return fail(config.error());
  if (auto logging = start_logging(config->log(), owner.console_log(), options.state / "log"); !logging) return logging;
  owner.progress();
  auto done = serve_logged(options, *config, owner);
  if (!done) log::error("{}", to_string(done.error()));
  stop_logging();
  return done;
}

}  // namespace rdpmend
