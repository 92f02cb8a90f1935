// The one door to the worker. A job runs there and its result comes back to the engine's executor, whatever happens: no
// state of the engine waits for an answer that cannot come.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "agent-lib/support/asio.hpp"
#include "agent-lib/support/result.hpp"

namespace rdpmend {

class Jobs {
 public:
  // `worker` runs one job at a time.
  Jobs(asio::any_io_executor engine, asio::any_io_executor worker);
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;

  // `job` runs on the worker, then `then` on the engine's executor with what the job returned. Whatever exception the
  // job throws is an error of that job (support/guarded), named by what it does: "cannot NAME". Call on the engine's
  // executor.
  template <class T>
  void run(std::string name, std::function<Result<T>()> job, std::function<void(Result<T>)> then) {
    ++under_way_;
    asio::post(worker_, [this, name = std::move(name), job = std::move(job), then = std::move(then)]() mutable {
      auto result = guarded<T>(name, job);
      asio::post(engine_, [this, then = std::move(then), result = std::move(result)]() mutable {
        const Ending ending(*this);  // Also where `then` throws.
        then(std::move(result));
      });
    });
  }

  // Once, as soon as no job is under way: at once, or after the last `then` that began no further job.
  void when_idle(std::function<void()> done);

 private:
  class Ending {
   public:
    explicit Ending(Jobs& jobs) : jobs_(jobs) {}
    ~Ending() { jobs_.ended(); }
    Ending(const Ending&) = delete;
    Ending& operator=(const Ending&) = delete;

   private:
    Jobs& jobs_;
  };

  template <class T>
  static Result<T> guarded(const std::string& name, const std::function<Result<T>()>& job) {
    try {
      return job();
    } catch (const std::exception& error) {
      return fail(thrown(name, error));
    }
  }
  static Error thrown(const std::string& name, const std::exception& exception);
  void ended();

  const asio::any_io_executor engine_;
  const asio::any_io_executor worker_;
  std::size_t under_way_ = 0;
  std::vector<std::function<void()>> waiting_;
};

}  // namespace rdpmend
