// Whom the process belongs to: a console, or the Service Control Manager. The verbs `run` and `service` differ in
// nothing else.
#pragma once

#include <filesystem>
#include <string>

#include "agent-lib/record/journal.hpp"
#include "service/os/logging.hpp"

namespace rdpmend {

// The service, once all of it is up.
struct Running {
  std::string rpc_address;
  std::filesystem::path admin_profile;
  const Journal& journal;  // Until stopped().
};

// Called on one thread, but for the last three.
class ProcessOwner {
 public:
  virtual ~ProcessOwner() = default;
  virtual ConsoleLog console_log() const = 0;
  // One more part of the start is done.
  virtual void progress() {}
  virtual void running(const Running& service) = 0;
  // Blocks until somebody asks to end; who or why.
  virtual std::string wait() = 0;
  virtual void stopping() {}
  virtual void stopped() {}
  // Something hangs, and the process ends as soon as this returns. Instead of stopped(), on another thread.
  virtual void hung() {}
  // See AppParts. Both may come before running().
  virtual void journal_grew() {}
  virtual void journal_failed(const std::string&) {}
};

}  // namespace rdpmend
