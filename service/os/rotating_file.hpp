// The log's file, which begins anew when it is large, with a bounded number of older ones beside it. Not Boost.Log's:
// with GCC for Windows its streams open names in the ANSI code page alone (boost/filesystem/fstream.hpp, 1.81), so that
// a state folder with any other name would have no log.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace rdpmend {

// Not thread-safe.
class RotatingFile {
 public:
  // FOLDER/NAME.log, continued if it is there, and NAME.1.log, NAME.2.log and so on, of which the newest are kept.
  RotatingFile(std::filesystem::path folder, std::string name, std::uint64_t rotate_bytes, std::size_t keep_files);

  // Is with the operating system when it returns. A line that cannot be written is lost, and the next one is tried
  // anew.
  void write_line(const std::string& line);

 private:
  std::filesystem::path current() const { return folder_ / (name_ + ".log"); }
  void open(std::ios::openmode mode);
  void begin_anew();

  const std::filesystem::path folder_;
  const std::string name_;
  const std::uint64_t rotate_bytes_;
  const std::size_t keep_files_;
  std::ofstream stream_;
  std::uint64_t size_ = 0;
};

}  // namespace rdpmend
