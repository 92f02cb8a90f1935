// getaddrinfo can block for half a minute and cannot be cancelled, so it runs on a thread of its own which a caller
// whose deadline has passed leaves behind. Such a thread touches nothing but its own state, and their number is
// bounded.
#include "agent-lib/probe/name_lookup.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include "agent-lib/support/steady_condition.hpp"

namespace rdpmend {

namespace {

using asio::ip::tcp;
using Endpoints = std::vector<tcp::endpoint>;

constexpr int k_max_lookups = 4;
std::atomic<int> g_lookups{0};

struct Lookup {
  std::mutex mutex;
  SteadyCondition changed;
  bool done = false;
  boost::system::error_code error;
  Endpoints endpoints;
};

Endpoints resolve(const std::string& host, std::uint16_t port, boost::system::error_code& error) {
  asio::io_context io;
  tcp::resolver resolver{io};
  Endpoints out;
  for (const auto& entry : resolver.resolve(host, std::to_string(port), tcp::resolver::numeric_service, error)) {
    if (out.size() < k_max_lookup_addresses) out.push_back(entry.endpoint());
  }
  return out;
}

void run(Lookup& lookup, const std::string& host, std::uint16_t port) {
  boost::system::error_code error;
  Endpoints endpoints;
  try {
    endpoints = resolve(host, port, error);
  } catch (const std::exception&) {
    error = asio::error::no_memory;
  }
  const std::lock_guard lock{lookup.mutex};
  lookup.error = error;
  lookup.endpoints = std::move(endpoints);
  lookup.done = true;
  lookup.changed.notify_all();
}

// False: no thread can be had.
bool start(const std::shared_ptr<Lookup>& lookup, const std::string& host, std::uint16_t port) {
  if (g_lookups.fetch_add(1) < k_max_lookups) {
    try {
      std::thread{[lookup, host, port] {
        run(*lookup, host, port);
        g_lookups.fetch_sub(1);
      }}.detach();
      return true;
    } catch (const std::system_error&) {
      // Counted back below.
    }
  }
  g_lookups.fetch_sub(1);
  return false;
}

}  // namespace

Result<Endpoints> look_up(const std::string& host, std::uint16_t port, std::chrono::steady_clock::time_point deadline,
                          const std::stop_token& stop) {
  boost::system::error_code not_an_address;
  const auto address = asio::ip::make_address(host, not_an_address);
  if (!not_an_address) return Endpoints{tcp::endpoint{address, port}};

  const auto lookup = std::make_shared<Lookup>();
  if (!start(lookup, host, port))
    return fail(ErrorCode::exhausted, "too many name lookups are still waiting for an answer");
  std::unique_lock lock{lookup->mutex};
  const auto left = deadline - std::chrono::steady_clock::now();
  if (!lookup->changed.wait_for(lock, stop, left, [&] { return lookup->done; })) {
    if (stop.stop_requested()) return fail(ErrorCode::cancelled, "stopped by the caller");
    return fail(ErrorCode::timeout, "name resolution gave no answer in time");
  }
  if (lookup->error) return fail(ErrorCode::not_found, lookup->error.message());
  if (lookup->endpoints.empty()) return fail(ErrorCode::not_found, "the name has no address");
  return std::move(lookup->endpoints);
}

}  // namespace rdpmend
