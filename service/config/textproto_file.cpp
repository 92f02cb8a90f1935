#include "service/config/textproto_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <tuple>

#include "agent-lib/support/utf8.hpp"

namespace rdpmend {

Result<std::string> read_textproto(const std::filesystem::path& file, std::string_view what, std::string_view instead) {
  std::error_code code;
  const auto size = std::filesystem::file_size(file, code);
  if (code) {
    return fail(ErrorCode::invalid_argument, fmt::format("cannot read {} {}: {}", what, to_utf8(file), code.message()),
                std::string(instead));
  }
  std::string text(std::min<std::uintmax_t>(size, k_max_textproto_bytes + 1), '\0');
  std::ifstream stream(file, std::ios::binary);
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream || stream.gcount() != static_cast<std::streamsize>(text.size())) {
    return fail(ErrorCode::denied, fmt::format("cannot read {} {}", what, to_utf8(file)),
                "Give the service's account access to it.");
  }
  return text;
}

std::vector<std::string> problems_at(const std::string& name, std::vector<TextprotoError> errors) {
  std::stable_sort(errors.begin(), errors.end(), [](const auto& a, const auto& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  std::vector<std::string> problems;
  for (const auto& error : errors) {
    const auto* stop = error.message.ends_with('.') ? "" : ".";
    problems.push_back(fmt::format("{}:{}:{}: {}{}", name, error.line, error.column, error.message, stop));
  }
  return problems;
}

}  // namespace rdpmend
