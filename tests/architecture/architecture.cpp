// The house plan as tables: folders and the folders they may include, foreign headers and the only folders that may.
#include "tests/architecture/architecture.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <regex>
#include <string_view>

#include "tests/architecture/circles.hpp"

namespace rdpmend::architecture {
namespace {

using Folders = std::vector<std::string>;

// A folder may include itself, the generated messages, and what stands here. Tests, fault_test.cpp among them, may
// include all.
const std::map<std::string, Folders>& allowed_folders() {
  static const std::map<std::string, Folders> table = [] {
    const std::string a = "agent-lib/";
    const std::string s = "service/";
    const std::string c = "cli/";
    const Folders reads{a + "support", a + "host", a + "events", a + "rules"};
    const auto plus = [](Folders base, const Folders& more) {
      base.insert(base.end(), more.begin(), more.end());
      return base;
    };
    const Folders agent = plus(reads, {a + "record", a + "engine", a + "steps"});
    return std::map<std::string, Folders>{
        {a + "support", {}},
        {a + "host", {a + "support"}},
        {a + "events", {a + "support"}},
        {a + "rules", {a + "support", a + "host", a + "events"}},
        {a + "probe", {a + "support"}},
        {a + "knowledge", {a + "support", a + "host"}},
        {a + "record", {a + "support", a + "host"}},
        {a + "engine", plus(agent, {a + "knowledge"})},
        {a + "steps", agent},
        {a + "faults", plus(agent, {a + "knowledge"})},
        {a + "checks", plus(agent, {a + "knowledge", a + "faults"})},
        {a + "sim", {a + "support", a + "host", a + "knowledge", a + "probe", a + "record"}},
        {a + "win32", {a + "support", a + "host", a + "probe"}},
        {s + "os", {a + "support", a + "win32"}},
        {s + "config", {a + "support", a + "rules", s + "os"}},
        {s + "pki", {a + "support", s + "os"}},
        {s + "store", {a + "support", a + "record", s + "os"}},
        {s + "event_log", {a + "support", a + "record", a + "win32", s + "os"}},
        {s + "hosts", {a + "support", a + "host", a + "sim", a + "win32", s + "os"}},
        {s + "selftest", plus(reads, {a + "knowledge", a + "faults", a + "win32", s + "os"})},
        {s + "rpc", plus(reads, {a + "record", a + "engine", s + "os", s + "pki", s + "selftest"})},
        {s + "hosting", {a + "support", a + "record", a + "win32", s + "os", s + "config", s + "pki", s + "event_log"}},
        {"service", plus(agent, {a + "probe", a + "sim", s + "os", s + "config", s + "pki", s + "store",
                                 s + "event_log", s + "hosts", s + "selftest", s + "rpc", s + "hosting"})},
        {c + "format", {a + "support", a + "record"}},
        {c + "session", {a + "support", c + "format"}},
        {c + "commands",
         {a + "support", a + "events", a + "rules", a + "probe", a + "knowledge", a + "record", c + "format",
          c + "session"}},
        {"cli", {a + "support", c + "format", c + "session", c + "commands"}},
    };
  }();
  return table;
}

struct ForeignHeader {
  std::regex header;
  std::string name;
  std::vector<std::string> only_below;  // Path prefixes.
};

const std::vector<ForeignHeader>& foreign_headers() {
  static const auto icase = std::regex::ECMAScript | std::regex::icase;
  static const std::vector<ForeignHeader> table{
      {std::regex{R"((windows|winsock2|ws2tcpip|winevt|wincrypt|wtsapi32|ncrypt|netfw)\.h)", icase},
       "Windows headers",
       {"agent-lib/win32/", "agent-lib/support/arguments_win32", "agent-lib/support/steady_condition_win32",
        "service/os/", "service/selftest/os_", "cli/format/screen_win32"}},
      {std::regex{R"(grpc(pp)?/.*|.*\.grpc\.pb\.h)"},
       "gRPC",
       {"service/rpc/", "service/app", "cli/", "agent-lib/support/grpc_compat"}},
      {std::regex{R"(boost/log/.*)"}, "Boost.Log", {"service/os/logging"}},
      {std::regex{R"(boost/asio(/.*|\.hpp))"}, "Boost.Asio", {"agent-lib/support/asio"}},
      // Its timed waits go by the wall clock where GCC builds for Windows. The rehearsed host's clock may.
      {std::regex{R"(condition_variable)"},
       "std::condition_variable (take SteadyCondition)",
       {"agent-lib/support/steady_condition_posix", "agent-lib/sim/"}},
      {std::regex{R"(sqlite3\.h)"}, "SQLite", {"service/store/"}},
      {std::regex{R"(pugixml\.hpp)"}, "pugixml", {"agent-lib/events/"}},
      {std::regex{R"(CLI/.*)"}, "CLI11", {"cli/", "service/main", "service/verbs"}},
      {std::regex{R"((unistd|fcntl|poll|signal|spawn|pwd)\.h|(sys|arpa|netinet)/.*)"},
       "POSIX headers",
       {"service/os/", "cli/format/screen_posix"}},
  };
  return table;
}

bool is_test(std::string_view path) {
  return path.starts_with("tests/") || path.ends_with("_test.cpp");
}

// The row of a file, the nearest above it: "service/rpc/server.cpp" -> "service/rpc"; "service/app.cpp" -> "service";
// "agent-lib/faults/f/x/fault.cpp" -> "agent-lib/faults".
std::optional<std::string> folder_of(std::string_view path) {
  for (auto folder = path.substr(0, path.rfind('/')); !folder.empty();) {
    if (const auto row = std::string(folder); allowed_folders().contains(row)) return row;
    const auto above = folder.rfind('/');
    folder = above == std::string_view::npos ? std::string_view{} : folder.substr(0, above);
  }
  return std::nullopt;
}

void check_direction(const SourceFile& file, const Include& include, std::vector<std::string>& found) {
  const std::string at = file.path + ":" + std::to_string(include.line) + ": ";
  const auto from = folder_of(file.path);
  if (!from) return;
  if (include.header.starts_with("tests/")) {
    found.push_back(at + "only tests include tests (" + include.header + ")");
    return;
  }
  const auto to = folder_of(include.header);
  if (!to || *to == *from) return;
  const Folders& allowed = allowed_folders().at(*from);
  if (std::find(allowed.begin(), allowed.end(), *to) == allowed.end()) {
    found.push_back(at + *from + " may not use " + *to + " (" + include.header + ")");
  }
}

void check_foreign(const SourceFile& file, const Include& include, std::vector<std::string>& found) {
  for (const ForeignHeader& foreign : foreign_headers()) {
    if (!std::regex_match(include.header, foreign.header)) continue;
    const bool allowed = std::any_of(foreign.only_below.begin(), foreign.only_below.end(),
                                     [&](const std::string& prefix) { return file.path.starts_with(prefix); });
    if (!allowed) {
      found.push_back(file.path + ":" + std::to_string(include.line) + ": " + foreign.name +
                      " has one home, not here (" + include.header + ")");
    }
  }
}

void check_relative(const SourceFile& file, const Include& include, std::vector<std::string>& found) {
  if (include.header.starts_with(".")) {
    found.push_back(file.path + ":" + std::to_string(include.line) + ": includes start at the repository's root (" +
                    include.header + ")");
  }
}

// A source may leave the why to the header of its name, and a test to what it is the test of.
bool why_stands_elsewhere(const SourceTree& tree, const std::string& path) {
  if (path.ends_with("_test.cpp") || path.ends_with("_fuzz.cpp")) return true;
  return path.ends_with(".cpp") && tree.paths.contains(path.substr(0, path.size() - 4) + ".hpp");
}

void check_opening(const SourceTree& tree, const SourceFile& file, std::vector<std::string>& found) {
  if (why_stands_elsewhere(tree, file.path)) return;
  const bool hash =
      file.path.ends_with(".sh") || file.path.ends_with(".cmake") || file.path.ends_with("CMakeLists.txt");
  if (!file.first_line.starts_with(hash ? "#" : "//")) {
    found.push_back(file.path + ":1: opens without a comment on why it exists");
  }
}

void check_faults(const SourceTree& tree, std::vector<std::string>& found) {
  for (const std::string& folder : tree.fault_folders) {
    for (const char* name : {"fault.cpp", "fault.textproto", "scenario.textproto", "fault_test.cpp", "RUNBOOK.md"}) {
      const std::string path = folder + "/" + name;
      if (!tree.paths.contains(path)) found.push_back(path + ": every fault has one");
    }
  }
}

void check_top_level(const SourceTree& tree, std::vector<std::string>& found) {
  static const std::set<std::string> allowed{
      "CMakeLists.txt", "CMakePresets.json", "service",   "agent-lib", "proto", "cli",
      "tests",          "packaging",         "README.md", "LICENSE"};
  for (const std::string& name : tree.top_level) {
    if (!allowed.contains(name)) found.push_back(name + ": does not belong at the top level");
  }
}

}  // namespace

std::vector<std::string> violations(const SourceTree& tree) {
  std::vector<std::string> found;
  check_top_level(tree, found);
  check_faults(tree, found);
  for (const SourceFile& file : tree.files) {
    check_opening(tree, file, found);
    if (is_test(file.path)) continue;
    for (const Include& include : file.includes) {
      check_direction(file, include, found);
      check_foreign(file, include, found);
      check_relative(file, include, found);
    }
  }
  for (std::string& circle : circles(tree)) found.push_back(std::move(circle));
  return found;
}

}  // namespace rdpmend::architecture
