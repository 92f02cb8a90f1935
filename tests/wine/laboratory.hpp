// The laboratory host, driven from Linux: a fresh Wine prefix with a network of its own, the doubles in it, and the
// product's unchanged programs.
#pragma once

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rdpmend/v1/agent.pb.h"
#include "tests/e2e/child_process.hpp"

namespace rdpmend::wine {

using testing_support::ChildProcess;
using testing_support::Finished;

// A busy machine is slow, and Wine with it; nothing waits this long when all is well.
inline constexpr std::chrono::seconds k_patience{120};

// The listener's key file has another third entry before and after Server 2019 (measured.md K2).
inline constexpr std::uint32_t k_server_2016 = 14393, k_server_2022 = 20348;

class Laboratory {
 public:
  // Why this machine cannot have one; nullopt: it can. Moves this process into a network of its own.
  static std::optional<std::string> missing();

  // A healthy host of a Windows build that runs. Fails the test if it does not come up.
  explicit Laboratory(std::uint32_t build = k_server_2022);
  ~Laboratory();
  Laboratory(const Laboratory&) = delete;
  Laboratory& operator=(const Laboratory&) = delete;

  Finished wine(const std::vector<std::string>& arguments, std::chrono::milliseconds deadline = k_patience) const;
  std::vector<std::string> wine_command(const std::vector<std::string>& arguments) const;
  // lab.exe; fails the test if it fails.
  std::string lab(const std::vector<std::string>& arguments) const;
  const std::vector<std::string>& environment() const { return environment_; }

  // The product, installed as an administrator without MSI would: rdpmendd.exe install.
  void install_service() const;
  // The installer as the build makes it, or with another version, or with files that the command `sign` changed;
  // nullopt: it cannot be made here.
  static std::optional<std::filesystem::path> build_package(const std::filesystem::path& folder,
                                                            const std::string& version, const std::string& sign = {});
  // msiexec without questions. "/i" or "/x".
  Finished msiexec(const std::string& action, const std::filesystem::path& package) const;
  // The service, within the patience that there is; and its RPC, with the local administrator's profile.
  bool wait_until_running() const;
  bool wait_until_up() const;
  // Through Wine's service control manager. False: not within the time.
  bool start_service() const;
  bool stop_service(std::chrono::seconds within) const;
  // "running, exit code 0, process 312"; empty: there is no such service.
  std::string service_state() const;
  // Ends the service's process as kill -9 does.
  void kill_service() const;

  // The native CLI, as the local administrator, over mutual TLS.
  std::vector<std::string> cli_command(const std::vector<std::string>& arguments) const;
  Finished cli(const std::vector<std::string>& arguments) const;
  bool answers() const { return cli({"status"}).exit_code == 0; }
  // The journal from its beginning, oldest first.
  std::vector<v1::JournalEntry> journal() const;
  // Follows the journal until an entry satisfies it; nullopt: none in time.
  template <class Wanted>
  std::optional<v1::JournalEntry> wait_for_entry(Wanted wanted) const;

  std::string folder() const { return folder_.string(); }
  std::filesystem::path c_drive() const { return folder_ / "prefix" / "drive_c"; }

 private:
  class TimeServer;

  const std::unique_ptr<TimeServer> time_server_;
  std::filesystem::path folder_;
  std::vector<std::string> environment_;
  std::unique_ptr<ChildProcess> running_;  // lab.exe run
};

template <class Wanted>
std::optional<v1::JournalEntry> Laboratory::wait_for_entry(Wanted wanted) const {
  ChildProcess watch(cli_command({"watch", "--from-start", "--format", "json"}));
  v1::WatchResponse response;
  const auto found = watch.wait_for_line(
      [&](const std::string& line) {
        response.Clear();
        return google::protobuf::util::JsonStringToMessage(line, &response).ok() && wanted(response.entry());
      },
      k_patience);
  if (found) return response.entry();
  ADD_FAILURE() << "no such entry: " << watch.standard_output() << watch.standard_error();
  return std::nullopt;
}

}  // namespace rdpmend::wine
