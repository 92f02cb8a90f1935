// Walks the tree and reads what the rules look at, nothing more.
#include "tests/architecture/source_tree.hpp"

#include <fstream>
#include <regex>

namespace rdpmend::architecture {
namespace {

namespace fs = std::filesystem;

bool is_source(const fs::path& path) {
  static const std::set<std::string> extensions{".cpp", ".hpp", ".cc", ".h", ".proto", ".cmake", ".sh"};
  return extensions.contains(path.extension().string()) || path.filename() == "CMakeLists.txt";
}

SourceFile read_source(const fs::path& file, std::string path) {
  static const std::regex include{R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])"};
  SourceFile source{std::move(path), {}, {}};
  std::ifstream in{file};
  std::string line;
  bool first = true;
  for (int number = 1; std::getline(in, line); ++number) {
    if (first && !(number == 1 && line.starts_with("#!"))) {
      source.first_line = line;
      first = false;
    }
    std::smatch match;
    if (line.find('#') != std::string::npos && std::regex_search(line, match, include)) {
      source.includes.push_back({match[1].str(), number});
    }
  }
  return source;
}

}  // namespace

SourceTree read_tree(const fs::path& root) {
  SourceTree tree;
  for (const auto& entry : fs::directory_iterator(root)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.') || name == "build") continue;
    tree.top_level.insert(name);
    if (!entry.is_directory()) continue;
    for (const auto& below : fs::recursive_directory_iterator(entry.path())) {
      std::string path = below.path().lexically_relative(root).generic_string();
      if (below.is_directory()) {
        // A fault is two levels down: its family, then itself. What a family or all of them share has no entry.
        if (fs::exists(below.path() / "fault.cpp")) tree.fault_folders.insert(path);
        continue;
      }
      if (is_source(below.path())) tree.files.push_back(read_source(below.path(), path));
      tree.paths.insert(std::move(path));
    }
  }
  return tree;
}

}  // namespace rdpmend::architecture
