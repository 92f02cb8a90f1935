#include "tests/e2e/rehearsal.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <regex>

#include "tests/paths.hpp"

namespace rdpmend::e2e {

namespace fs = std::filesystem;

std::string program(const std::string& name) {
  return test::binary_dir() + "/bin/" + name;
}

StateFolder::StateFolder() {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  path_ = fs::path{testing::TempDir()} / ("rdpmend_" + std::string{test->name()} + "_" + std::to_string(::getpid()));
  fs::remove_all(path_);
}

StateFolder::~StateFolder() {
  std::error_code ignored;
  if (!testing::Test::HasFailure()) fs::remove_all(path_, ignored);
}

Rehearsal::Rehearsal(const std::string& scenario, const StateFolder& state, std::vector<std::string> more) {
  std::vector<std::string> argv{program("rdpmendd"), "rehearse", scenario, "--state", state.path()};
  argv.insert(argv.end(), more.begin(), more.end());
  process_ = std::make_unique<ChildProcess>(argv);
  const std::regex address{R"(RDP .*127\.0\.0\.2:(\d+))"};
  const std::regex profile{R"(--profile (\S+) status)"};
  process_->wait_for_line([&](const std::string& line) { return std::regex_search(line, profile); }, k_patience);
  const std::string output = process_->standard_output();
  std::smatch match;
  if (std::regex_search(output, match, address)) rdp_port_ = static_cast<std::uint16_t>(std::stoi(match[1].str()));
  if (std::regex_search(output, match, profile)) profile_ = match[1].str();
  EXPECT_TRUE(rdp_port_ != 0 && !profile_.empty()) << output << process_->standard_error();
}

std::vector<std::string> Rehearsal::command(const std::vector<std::string>& arguments) const {
  std::vector<std::string> argv{program("rdpmend"), "--profile", profile_, "--timeout", "60"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

Finished Rehearsal::cli(const std::vector<std::string>& arguments) const {
  return testing_support::run(command(arguments), k_patience);
}

v1::Incident Rehearsal::wait_until_closed() const {
  ChildProcess watch(command({"watch", "--from-start", "--format", "json"}));
  const auto opened =
      watch.wait_for_line([](const auto& line) { return line.find("incident_opened") != line.npos; }, k_patience);
  v1::WatchResponse response;
  if (!opened || !google::protobuf::util::JsonStringToMessage(*opened, &response).ok()) {
    ADD_FAILURE() << "no incident was opened: " << watch.standard_output() << watch.standard_error();
    return {};
  }
  const auto id = std::to_string(response.entry().seq());
  const Finished followed = cli({"watch", "--incident", id});
  EXPECT_EQ(followed.exit_code, 0) << followed.standard_output << followed.standard_error;
  return ask<v1::GetIncidentResponse>({"show", id}).incident();
}

void Rehearsal::expect_json(const Finished& answer, google::protobuf::Message& message) {
  EXPECT_EQ(answer.exit_code, 0) << answer.standard_error;
  const auto parsed = google::protobuf::util::JsonStringToMessage(answer.standard_output, &message);
  EXPECT_TRUE(parsed.ok()) << parsed.ToString() << "\n" << answer.standard_output;
}

}  // namespace rdpmend::e2e
