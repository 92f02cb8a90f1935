#include "service/app.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "agent-lib/record/ledger.hpp"
#include "agent-lib/rules/query_builder.hpp"
#include "agent-lib/support/log.hpp"
#include "agent-lib/support/utf8.hpp"
#include "service/os/hard_stop.hpp"
#include "service/os/machine_time.hpp"
#include "service/os/private_file.hpp"

namespace rdpmend {

using namespace std::chrono_literals;

namespace {

constexpr Duration k_rpc_grace = 3s;
constexpr Duration k_shortest_tick = 50ms;  // Should the engine ever ask for the past.
constexpr Duration k_longest_tick = 1h;
constexpr Duration k_longest_subscribing = 10s;
// Between attempts to write a journal that could not be written, should nothing else write it.
constexpr Duration k_journal_again = 10s;
constexpr std::size_t k_max_site_file_bytes = 1 << 20;

std::string text_of_trouble(const Error& error) {
  return fmt::format("The journal cannot be written: {}. What is found waits for it, and no repair begins. {}",
                     error.what, error.hint);
}

// "127.0.0.2:3389", as a first answer until a probe was made.
std::string rdp_address(const Listener& listener) {
  const auto state = listener.state();
  return state ? fmt::format("{}:{}", state->own_address, state->port) : "";
}

}  // namespace

Result<std::unique_ptr<App>> App::start(AppParts parts) {
  std::unique_ptr<App> app(new App(std::move(parts)));
  auto up = app->bring_up();
  if (!up) {
    const HardStop limit;
    app->stop("it could not start: " + up.error().what);
    return fail(std::move(up.error()));
  }
  return app;
}

App::App(AppParts parts)
    : parts_(std::move(parts)),
      catalogue_(Catalogue::built_in()),
      engine_thread_("engine", [this](const auto& where, const auto& what) { report(where, what); }),
      worker_thread_("worker", [this](const auto& where, const auto& what) { report(where, what); }),
      timer_(engine_thread_.executor()),
      journal_again_(engine_thread_.executor()) {}

App::~App() {
  stop("the service ends");
}

Status App::bring_up() {
  if (auto made = make_private_folder(parts_.state); !made)
    return fail(std::move(made.error()).context("cannot use the state folder"));
  load_catalogue();
  for (const auto step : {&App::open_journal, &App::open_keys, &App::start_engine, &App::start_rpc}) {
    if (auto done = (this->*step)(); !done) return done;
    if (parts_.on_progress) parts_.on_progress();
  }
  reader_->start();
  log::info("rdpmendd {} is up on host {} ({}), RPC at {}", RDPMEND_VERSION, parts_.host.identity.name,
            parts_.host.identity.kind, rpc_->address());
  return {};
}

void App::load_catalogue() {
  for (const auto& file : parts_.config.site_rules()) {
    const auto text = read_small_file(path_from_utf8(file), k_max_site_file_bytes);
    if (!text) {
      degraded_.push_back(fmt::format("site rules {}: {}", file, text.error().what));
      continue;
    }
    for (auto& problem : catalogue_.merge_site_file(file, *text)) degraded_.push_back(std::move(problem));
  }
  for (const auto& problem : degraded_) log::warning("{}", problem);
}

Status App::open_journal() {
  auto opened = SqliteJournal::open(parts_.state / "journal.sqlite", parts_.config.journal());
  if (!opened) return fail(std::move(opened.error()).context("cannot open the journal"));
  journal_ = std::move(opened->journal);
  if (!opened->degraded.empty()) {
    log::warning("{}", opened->degraded);
    degraded_.push_back(std::move(opened->degraded));
  }
  journal_->set_on_trouble([this] { asio::post(engine_thread_.executor(), [this] { journal_failed(); }); });
  return {};
}

Status App::open_keys() {
  auto pki = ensure_pki(parts_.state, parts_.host.identity.name, machine_time());
  if (!pki) return fail(std::move(pki.error()).context("cannot open the service's keys"));
  pki_ = std::move(*pki);
  trust_.emplace(pki_->paths.trust_file);
  degraded_.insert(degraded_.end(), pki_->warnings.begin(), pki_->warnings.end());
  return {};
}

Status App::start_engine() {
  faults_ = make_faults();
  engine_ = std::make_unique<Engine>(
      EngineParts{parts_.host, *journal_, catalogue_, faults_, parts_.config.policy(),
                  from_proto(parts_.config.probe().deadline()), RDPMEND_VERSION, degraded_, checks::all(),
                  [this] { return degraded_now(); }, [this] { return reader_->channels(); }},
      engine_thread_.executor(), worker_thread_.executor());
  // An event that comes after the first look must not be missed: the look waits for the subscriptions.
  asio::post(worker_thread_.executor(), [this] {
    if (!reader_->wait_until_tried(k_longest_subscribing))
      log::warning("the host is looked at before its events are read");
  });
  if (auto started = engine_->start(); !started) {
    engine_.reset();
    return fail(std::move(started.error()).context("cannot start the engine"));
  }
  reader_ = std::make_unique<EventReader>(
      parts_.host, build_queries(catalogue_.rules()), engine_->bookmarks(),
      EventReader::Sinks{[this](std::string channel, EventBatch batch, std::function<void()> taken) {
                           engine_->take(std::move(channel), std::move(batch), std::move(taken));
                         },
                         [this](const auto& where, const auto& what) { report(where, what); },
                         [this](const v1::ChannelReopened& what) { engine_->channel_reopened(what); }});
  engine_->agenda().set_on_change([this] { asio::post(engine_thread_.executor(), [this] { arm_timer(); }); });
  asio::post(engine_thread_.executor(), [this] { arm_timer(); });
  engine_thread_.start();
  worker_thread_.start();
  return {};
}

Status App::start_rpc() {
  AgentServiceParts service{*engine_,
                            *journal_,
                            [this](const std::stop_token& stop) { return journal_->verify_chain(stop); },
                            catalogue_,
                            parts_.host.clock,
                            parts_.host.identity,
                            RDPMEND_VERSION,
                            rdp_address(parts_.host.listener),
                            [this] { return degraded_now(); },
                            [this] { return reader_->channels(); }};
  rpc_ = std::make_unique<RpcServer>(
      parts_.config.rpc(), ServerKeys{pki_->server_certificate_pem, pki_->server_key_pem}, *trust_, std::move(service),
      [this](const auto& where, const auto& what) { report(where, what); },
      [this](const auto& limited) { record_limited(limited); });
  if (const auto trouble = rpc_->trouble()) (void)tell_trouble("rpc", to_string(*trouble));
  journal_->set_listener([this](std::uint64_t newest) {
    rpc_->wake();
    if (parts_.on_journal) parts_.on_journal(newest);
  });
  rpc_->wake();  // For whoever watches already: the engine wrote before there was a listener.
  if (parts_.on_journal) parts_.on_journal(journal_->range().last_seq);
  return write_admin_profile(pki_->paths, rpc_->address());
}

void App::arm_timer() {
  if (!ticking_) return;
  const auto now = parts_.host.clock.steady();
  const auto due = engine_->agenda().next().value_or(now + k_longest_tick) - now;
  timer_.expires_after(std::clamp<Duration>(due, k_shortest_tick, k_longest_tick));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    asio::post(engine_thread_.executor(), [this] { arm_timer(); });  // Also if a task throws.
    engine_->agenda().run_due();
  });
}

std::vector<std::string> App::degraded_now() const {
  const auto trouble = journal_->trouble();
  return trouble ? std::vector{text_of_trouble(*trouble)} : std::vector<std::string>{};
}

void App::journal_failed() {
  const auto trouble = journal_->trouble();
  if (!trouble) return;  // Over already.
  log::error("{}", text_of_trouble(*trouble));
  if (parts_.on_journal_trouble) parts_.on_journal_trouble(text_of_trouble(*trouble));
  try_journal_again();
}

// Whoever reads the journal later learns of the gap; and on a host where nothing happens nobody else would notice that
// there is room again.
void App::try_journal_again() {
  journal_again_.expires_after(k_journal_again);
  journal_again_.async_wait([this](const boost::system::error_code& stopped) {
    if (stopped || !ticking_) return;
    if (!tell_trouble("journal", "the journal could not be written for a time; it can again"))
      return try_journal_again();
  });
}

void App::report(const std::string& where, const std::string& thrown) {
  const auto what = to_valid_utf8(thrown);  // Of a library's exception, perhaps in the system's code page.
  log::error("{}: {}", where, what);
  (void)record([&](v1::JournalEntry& entry) {
    entry.mutable_internal_error()->set_where(where);
    entry.mutable_internal_error()->set_what(what);
  });
}

Status App::tell_trouble(const std::string& part, const std::string& what) {
  log::warning("{}: {}", part, what);
  return record([&](v1::JournalEntry& entry) {
    entry.mutable_service_trouble()->set_part(part);
    entry.mutable_service_trouble()->set_what(what);
  });
}

void App::record_limited(const v1::ConnectionLimited& limited) {
  log::warning("connections of {} at {} were cut off ({}): {}",
               limited.client().empty() ? "a stranger" : limited.client(),
               limited.peer().empty() ? "several addresses" : limited.peer(), limited.count(), limited.reason());
  (void)record([&](v1::JournalEntry& entry) { *entry.mutable_connection_limited() = limited; });
}

Status App::record(const std::function<void(v1::JournalEntry&)>& fill) {
  auto done = engine_->ledger().record(0, fill);
  if (!done) log::error("{}", to_string(done.error()));
  return done;
}

void App::stop(const std::string& reason) {
  if (std::exchange(stopped_, true)) return;
  if (rpc_) rpc_->refuse_new_calls();
  if (journal_) journal_->set_on_trouble(nullptr);
  if (reader_) reader_->stop();
  if (engine_) stop_engine(reason);
  if (rpc_) rpc_->stop(k_rpc_grace);
  worker_thread_.finish();
  engine_thread_.finish();
  if (journal_) journal_->set_listener(nullptr);
  log::info("stopped: {}", reason);
}

void App::stop_engine(const std::string& reason) {
  std::promise<void> done;
  asio::post(engine_thread_.executor(), [&] {
    engine_->stop(reason, [this, &done] {
      ticking_ = false;
      timer_.cancel();
      journal_again_.cancel();
      done.set_value();
    });
  });
  done.get_future().wait();
}

}  // namespace rdpmend
