// Owner and mode protect.
#include "service/os/private_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

namespace rdpmend {

namespace fs = std::filesystem;

namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { (void)std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

tl::unexpected<Error> access_error(std::string doing, const std::error_code& code) {
  auto kind = ErrorCode::denied;
  std::string hint = "Give the service's account access to the folder.";
  if (code == std::errc::no_space_on_device) kind = ErrorCode::exhausted, hint = "Free space on that disk.";
  if (code == std::errc::no_such_file_or_directory) kind = ErrorCode::not_found, hint.clear();
  return fail(
      Error{kind, fmt::format("{}: {}", doing, code.message()), hint, OsError{code.category().name(), code.value()}});
}

std::error_code last_error() {
  return {errno, std::generic_category()};
}

bool to_disk(std::FILE* file) {
  if (std::fflush(file) != 0) return false;
  return fsync(fileno(file)) == 0;
}

}  // namespace

Status make_private_folder(const fs::path& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (!code) fs::permissions(folder, fs::perms::owner_all, code);
  if (code) return access_error(fmt::format("cannot make folder {}", folder.string()), code);
  return {};
}

Status write_private_file(const fs::path& file, std::string_view bytes) {
  const auto doing = fmt::format("cannot write {}", file.string());
  const auto unfinished = fs::path(file) += ".new";
  std::error_code code;
  fs::remove(unfinished, code);
  {
    // "x": a new file or none, so that no link laid out before is followed.
    const File out(std::fopen(unfinished.string().c_str(), "wbx"));
    if (!out) return access_error(doing, last_error());
    // Before there is anything to read in it.
    fs::permissions(unfinished, fs::perms::owner_read | fs::perms::owner_write, code);
    if (code) return access_error(doing, code);
    const bool written = std::fwrite(bytes.data(), 1, bytes.size(), out.get()) == bytes.size() && to_disk(out.get());
    if (!written) {
      code = last_error();
      std::error_code ignored;
      fs::remove(unfinished, ignored);
      return access_error(doing, code);
    }
  }
  fs::rename(unfinished, file, code);
  if (code) return access_error(doing, code);
  return {};
}

Result<std::string> read_small_file(const fs::path& file, std::size_t most) {
  const auto doing = fmt::format("cannot read {}", file.string());
  const File in(std::fopen(file.string().c_str(), "rb"));
  if (!in) return access_error(doing, last_error());
  std::string bytes(most + 1, '\0');
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), in.get()));
  if (std::ferror(in.get()) != 0) return access_error(doing, last_error());
  if (bytes.size() > most)
    return fail(ErrorCode::invalid_argument, fmt::format("{}: it is larger than {} bytes", doing, most));
  return bytes;
}

}  // namespace rdpmend
