#include "agent-lib/sim/fault_injector.hpp"

#include <utility>

namespace rdpmend::sim {

namespace {
Error injected(ErrorCode code, const std::string& name, std::string_view why, std::int64_t win32) {
  return Error{code, name + ": " + std::string(why), {}, OsError{"win32", win32}};
}
}  // namespace

std::string_view to_string(Injection injection) {
  switch (injection) {
    case Injection::denied: return "denied";
    case Injection::busy: return "busy";
    case Injection::timeout: return "timeout";
    case Injection::timeout_after_success: return "timeout after success";
    case Injection::crash_before: return "crash before";
    case Injection::crash_after_success: return "crash after success";
    case Injection::outside_edit: return "outside edit";
  }
  return "unknown";
}

void FaultInjector::arm(std::uint64_t call, Injection injection) {
  const std::scoped_lock lock(mutex_);
  calls_until_injection_ = call;
  fired_.clear();
  injection_ = injection;
}

void FaultInjector::disarm() {
  const std::scoped_lock lock(mutex_);
  calls_until_injection_ = 0;
}

std::string FaultInjector::fired() const {
  const std::scoped_lock lock(mutex_);
  return fired_;
}

std::vector<std::string> FaultInjector::calls() const {
  const std::scoped_lock lock(mutex_);
  return calls_;
}

void FaultInjector::reset_calls() {
  const std::scoped_lock lock(mutex_);
  calls_.clear();
}

std::optional<Injection> FaultInjector::note(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  if (calls_.size() < k_max_remembered_calls) calls_.push_back(name);
  if (calls_until_injection_ == 0 || --calls_until_injection_ != 0) return std::nullopt;
  fired_ = name;
  return injection_;
}

Status FaultInjector::run(const std::string& name, const std::function<Status()>& call,
                          const std::function<void()>& outside_edit) {
  const auto injection = note(name);
  if (!injection) return call();
  switch (*injection) {
    case Injection::denied: return fail(injected(ErrorCode::denied, name, "access is denied", 5));
    case Injection::busy: return fail(injected(ErrorCode::unavailable, name, "the resource is in use", 170));
    case Injection::timeout: return fail(injected(ErrorCode::timeout, name, "the wait timed out", 258));
    case Injection::timeout_after_success: {
      if (auto status = call(); !status) return status;
      return fail(injected(ErrorCode::timeout, name, "the wait timed out", 258));
    }
    case Injection::crash_before: throw Crash{name};
    case Injection::crash_after_success: {
      if (auto status = call(); !status) return status;
      throw Crash{name};
    }
    case Injection::outside_edit: outside_edit(); return call();
  }
  return call();
}

}  // namespace rdpmend::sim
