#include "tests/architecture/circles.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace rdpmend::architecture {
namespace {

struct Step {
  std::string to;
  std::string where;  // "path:line" of an include.
};
using Graph = std::map<std::string, std::vector<Step>>;  // By folder; each other folder once.

std::string folder_of_file(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

bool is_product(const std::string& path) {
  const bool ours = path.starts_with("agent-lib/") || path.starts_with("service/") || path.starts_with("cli/");
  return ours && !path.ends_with("_test.cpp");
}

Graph graph_of(const SourceTree& tree) {
  Graph graph;
  for (const SourceFile& file : tree.files) {
    if (!is_product(file.path)) continue;
    auto& steps = graph[folder_of_file(file.path)];
    for (const Include& include : file.includes) {
      if (!is_product(include.header)) continue;
      const auto to = folder_of_file(include.header);
      if (to == folder_of_file(file.path) || std::ranges::find(steps, to, &Step::to) != steps.end()) continue;
      steps.push_back({to, file.path + ":" + std::to_string(include.line)});
    }
  }
  return graph;
}

// Walks from folder to folder; whoever is met again on the way closes a circle.
class Walk {
 public:
  explicit Walk(const Graph& graph) : graph_(graph) {
    for (const auto& [folder, unused] : graph) visit(folder);
  }
  std::vector<std::string> found() && { return std::move(found_); }

 private:
  void visit(const std::string& folder) {
    if (!done_.insert(folder).second) return;
    const auto steps = graph_.find(folder);
    if (steps == graph_.end()) return;
    on_the_way_.push_back(folder);
    for (const Step& step : steps->second) {
      way_.push_back(step);
      const auto again = std::ranges::find(on_the_way_, step.to);
      if (again != on_the_way_.end()) report(static_cast<std::size_t>(again - on_the_way_.begin()));
      visit(step.to);
      way_.pop_back();
    }
    on_the_way_.pop_back();
  }

  void report(std::size_t first) {
    std::string line = "circle between folders: " + on_the_way_[first];
    for (std::size_t i = first; i < way_.size(); ++i) line += " -> " + way_[i].to + " (" + way_[i].where + ")";
    found_.push_back(line);
  }

  const Graph& graph_;
  std::set<std::string> done_;
  std::vector<std::string> on_the_way_;
  std::vector<Step> way_;  // From each folder on the way to the next.
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> circles(const SourceTree& tree) {
  return Walk(graph_of(tree)).found();
}

}  // namespace rdpmend::architecture
