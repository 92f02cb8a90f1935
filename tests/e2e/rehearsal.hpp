// A running `rdpmendd rehearse`, and the CLI pointed at it.
#pragma once

#include <google/protobuf/util/json_util.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "rdpmend/v1/agent.pb.h"
#include "tests/e2e/child_process.hpp"

namespace rdpmend::e2e {

using testing_support::ChildProcess;
using testing_support::Finished;

// Sanitized builds on a busy machine are slow; nothing waits this long when all is well.
inline constexpr std::chrono::seconds k_patience{90};

std::string program(const std::string& name);  // Built beside this test.

// A folder of its own for each test.
class StateFolder {
 public:
  StateFolder();
  ~StateFolder();
  StateFolder(const StateFolder&) = delete;
  StateFolder& operator=(const StateFolder&) = delete;
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

class Rehearsal {
 public:
  // Fails the test if it does not come up.
  Rehearsal(const std::string& scenario, const StateFolder& state, std::vector<std::string> more = {});

  ChildProcess& process() { return *process_; }
  std::uint16_t rdp_port() const { return rdp_port_; }
  const std::string& profile() const { return profile_; }

  // The CLI's argv for this service.
  std::vector<std::string> command(const std::vector<std::string>& arguments) const;
  Finished cli(const std::vector<std::string>& arguments) const;
  // The CLI's JSON as the message that it is. Fails the test if it is not.
  template <class Message>
  Message ask(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--format", "json"});
    const Finished answer = cli(arguments);
    Message message;
    expect_json(answer, message);
    return message;
  }
  // Follows the one incident until it is closed; its last state.
  v1::Incident wait_until_closed() const;

 private:
  static void expect_json(const Finished& answer, google::protobuf::Message& message);

  std::unique_ptr<ChildProcess> process_;
  std::uint16_t rdp_port_ = 0;
  std::string profile_;
};

}  // namespace rdpmend::e2e
