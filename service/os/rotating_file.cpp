#include "service/os/rotating_file.hpp"

#include <charconv>
#include <map>
#include <optional>
#include <system_error>

#include "agent-lib/support/utf8.hpp"

namespace rdpmend {

namespace {

namespace fs = std::filesystem;

// "rdpmendd.12.log" is number 12 of rdpmendd.
std::optional<std::uint64_t> number_of(const fs::path& file, const std::string& name) {
  const auto text = to_utf8(file.filename());
  if (!text.starts_with(name + ".") || !text.ends_with(".log")) return std::nullopt;
  std::uint64_t number = 0;
  const auto* begin = text.data() + name.size() + 1;
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), number);
  const bool whole = error == std::errc{} && end == text.data() + text.size() - std::string_view(".log").size();
  return whole ? std::optional(number) : std::nullopt;
}

std::map<std::uint64_t, fs::path> older_files(const fs::path& folder, const std::string& name) {
  std::map<std::uint64_t, fs::path> files;
  std::error_code ignored;
  for (fs::directory_iterator file(folder, ignored), end; file != end && !ignored; file.increment(ignored)) {
    if (const auto number = number_of(file->path(), name)) files.emplace(*number, file->path());
  }
  return files;
}

}  // namespace

RotatingFile::RotatingFile(fs::path folder, std::string name, std::uint64_t rotate_bytes, std::size_t keep_files)
    : folder_(std::move(folder)), name_(std::move(name)), rotate_bytes_(rotate_bytes), keep_files_(keep_files) {}

void RotatingFile::write_line(const std::string& line) {
  if (!stream_.is_open()) open(std::ios::app);
  const auto bytes = line.size() + 2;  // On Windows a line ends with two.
  if (size_ > 0 && size_ + bytes > rotate_bytes_) begin_anew();
  stream_ << line << '\n' << std::flush;
  size_ += bytes;
  if (stream_) return;
  stream_.close();
  stream_.clear();
}

void RotatingFile::open(std::ios::openmode mode) {
  std::error_code none;
  const auto there = fs::file_size(current(), none);
  size_ = none || mode == std::ios::trunc ? 0 : there;
  stream_.open(current(), std::ios::out | mode);
}

void RotatingFile::begin_anew() {
  stream_.close();
  auto older = older_files(folder_, name_);
  std::error_code kept;
  if (keep_files_ > 0) {
    const auto number = older.empty() ? 1 : older.rbegin()->first + 1;
    const auto file = folder_ / (name_ + "." + std::to_string(number) + ".log");
    fs::rename(current(), file, kept);
    if (!kept) older.emplace(number, file);
  }
  while (older.size() > keep_files_) {
    std::error_code ignored;
    fs::remove(older.begin()->second, ignored);
    older.erase(older.begin());
  }
  // Where somebody holds the file so that it cannot be renamed, its lines are given up: it must not grow for ever.
  open(std::ios::trunc);
}

}  // namespace rdpmend
