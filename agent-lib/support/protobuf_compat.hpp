// The places where protobuf 3.21 (Debian 12) and protobuf 6 (vcpkg) differ and that we use, so that no other file asks
// which one it is. https://protobuf.dev/news/v26/ and https://protobuf.dev/news/v30/ say what changed.
#pragma once

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/stubs/common.h>
#include <google/protobuf/util/json_util.h>

#include <string>
#include <string_view>

namespace rdpmend::compat {

// protobuf 26 for C++ calls itself 5.26.
#define RDPMEND_PROTOBUF_SINCE_26 (GOOGLE_PROTOBUF_VERSION >= 5026000)

// What a parser reports, errors and warnings alike.
class ErrorCollector : public google::protobuf::io::ErrorCollector {
 public:
#if RDPMEND_PROTOBUF_SINCE_26
  void RecordError(int line, int column, absl::string_view message) final {
    add(line, column, text_of(message));
  }
  void RecordWarning(int line, int column, absl::string_view message) final {
    add(line, column, text_of(message));
  }
#else
  void AddError(int line, int column, const std::string& message) final {
    add(line, column, message);
  }
  void AddWarning(int line, int column, const std::string& message) final {
    add(line, column, message);
  }
#endif

 private:
  // Lines and columns from 0; -1: not known.
  virtual void add(int line, int column, std::string_view message) = 0;

#if RDPMEND_PROTOBUF_SINCE_26
  static std::string_view text_of(absl::string_view message) {
    return {message.data(), message.size()};
  }
#endif
};

// Also fields that have their default value, as long as they cannot be absent.
inline void print_default_values(google::protobuf::util::JsonPrintOptions& options) {
#if RDPMEND_PROTOBUF_SINCE_26
  options.always_print_fields_with_no_presence = true;
#else
  options.always_print_primitive_fields = true;
#endif
}

#undef RDPMEND_PROTOBUF_SINCE_26

}  // namespace rdpmend::compat
