// The repository as the architecture test sees it: paths, first lines and #include lines.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace rdpmend::architecture {

struct Include {
  std::string header;  // As written between the quotes or brackets.
  int line = 0;
};

struct SourceFile {
  std::string path;        // From the root, with forward slashes.
  std::string first_line;  // The first one after a #! line.
  std::vector<Include> includes;
};

struct SourceTree {
  std::set<std::string> top_level;  // Names of files and folders, except build/ and dotfiles.
  std::vector<SourceFile> files;    // Ours: sources, headers, protos, CMake and shell files.
  std::set<std::string> fault_folders;
  std::set<std::string> paths;  // Every file below the folders of ours.
};

SourceTree read_tree(const std::filesystem::path& root);

}  // namespace rdpmend::architecture
