#include "agent-lib/engine/jobs.hpp"

#include "agent-lib/support/guarded.hpp"
#include "agent-lib/support/log.hpp"

namespace rdpmend {

Jobs::Jobs(asio::any_io_executor engine, asio::any_io_executor worker)
    : engine_(std::move(engine)), worker_(std::move(worker)) {}

void Jobs::when_idle(std::function<void()> done) {
  if (under_way_ == 0) return done();
  waiting_.push_back(std::move(done));
}

Error Jobs::thrown(const std::string& name, const std::exception& exception) {
  auto error = error_of(exception).context("cannot " + name);
  log::error("{}", to_string(error));
  return error;
}

void Jobs::ended() {
  if (--under_way_ > 0) return;
  // Posted: whoever waits may end what the caller of this is part of.
  for (auto& done : std::exchange(waiting_, {})) asio::post(engine_, std::move(done));
}

}  // namespace rdpmend
