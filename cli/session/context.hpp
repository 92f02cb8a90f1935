// What every command is given: the global options, where to write, and how to reach the service.
#pragma once

#include <google/protobuf/message.h>

#include <chrono>
#include <functional>
#include <optional>
#include <ostream>
#include <stop_token>
#include <string>
#include <string_view>

#include "cli/format/page.hpp"
#include "cli/session/client.hpp"

namespace rdpmend::cli {

struct GlobalOptions {
  std::string profile;                 // Empty: the local service's.
  std::optional<std::string> address;  // Absent: the profile's.
  std::string format = "table";        // Or "json"; of health also "junit" and "avd".
  unsigned timeout_s = 10;
  bool no_color = false;
};

// Flushes; an error if anything since the start was not written.
Status check_written(std::ostream& stream);

class Context {
 public:
  Context(GlobalOptions options, std::ostream& out, std::ostream& err, const Terminal& terminal, std::stop_token stop);

  const GlobalOptions& options() const { return options_; }
  const std::stop_token& stop() const { return stop_; }
  bool json() const { return options_.format == "json"; }

  // For people who read tables.
  Page& out() { return out_; }
  // Progress and hints; not part of the answer.
  Page& notes() { return notes_; }

  Result<Client> connect() const;
  // With a deadline of its own.
  Result<Client> connect(std::chrono::seconds timeout) const;

  // The answer of a command: the message as JSON, or what `people` prints of it.
  Status show(const google::protobuf::Message& answer, const std::function<void(Page&)>& people);
  // An answer that is text already.
  Status write(std::string_view text);
  // One of a stream of answers: JSON on one line. A failure to write ends the stream.
  Status show_one(const google::protobuf::Message& answer, const std::function<void(Page&)>& people);

  // Everything so far has reached whoever reads standard output; an error if a disk is full or a pipe has no reader.
  Status written();

 private:
  GlobalOptions options_;
  std::ostream& stream_;
  Page out_;
  Page notes_;
  std::stop_token stop_;
};

}  // namespace rdpmend::cli
