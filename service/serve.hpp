// The service on this machine, whoever its process belongs to: the verbs `run` and `service` differ in nothing else.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "service/app.hpp"
#include "service/logging.hpp"

namespace rdpmend {

struct ServeOptions {
  std::filesystem::path state;
  std::optional<std::filesystem::path> config;  // Absent: rdpmend.textproto in the state folder, if it is there.
};

// Whom the process belongs to: a console, or the Service Control Manager. Called on one thread, but for the last two.
class ProcessOwner {
 public:
  virtual ~ProcessOwner() = default;
  virtual ConsoleLog console_log() const = 0;
  // One more part of the start is done.
  virtual void progress() {}
  // All is up. `app` stays until stopped().
  virtual void running(const App& app) = 0;
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

// From configuration to the last thread's end.
Status serve(const ServeOptions& options, ProcessOwner& owner);

}  // namespace rdpmend
