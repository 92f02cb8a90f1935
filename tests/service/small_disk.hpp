// A full disk for SQLite, without one. Where SQLite writes through POSIX.
#pragma once

#include <sqlite3.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string_view>

namespace rdpmend {

// A disk with room for so many more writes; the journal's own calls go through it.
class SmallDisk {
 public:
  SmallDisk() {
    auto* vfs = sqlite3_vfs_find(nullptr);
    for (const char* name : {"write", "pwrite", "pwrite64"}) {
      vfs->xSetSystemCall(vfs, name,
                          reinterpret_cast<sqlite3_syscall_ptr>(std::string_view(name) == "write"
                                                                    ? reinterpret_cast<void (*)()>(limited_write)
                                                                    : reinterpret_cast<void (*)()>(limited_pwrite)));
    }
  }
  ~SmallDisk() {
    auto* vfs = sqlite3_vfs_find(nullptr);
    for (const char* name : {"write", "pwrite", "pwrite64"}) vfs->xSetSystemCall(vfs, name, nullptr);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  static void has_room_for(int writes) { room_ = writes; }
  static void is_free() { room_ = 1 << 30; }
  static bool was_full() { return room_ < 0; }

 private:
  static bool full() {
    if (--room_ >= 0) return false;
    errno = ENOSPC;
    return true;
  }
  static ssize_t limited_write(int file, const void* data, size_t size) {
    return full() ? -1 : write(file, data, size);
  }
  static ssize_t limited_pwrite(int file, const void* data, size_t size, off_t at) {
    return full() ? -1 : pwrite(file, data, size, at);
  }
  static inline std::atomic<int> room_{1 << 30};
};

}  // namespace rdpmend
