#include "service/os/logging.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/core/null_deleter.hpp>
#include <boost/log/attributes/value_extraction.hpp>
#include <boost/log/core.hpp>
#include <boost/log/expressions/message.hpp>
#include <boost/log/sinks/basic_sink_backend.hpp>
#include <boost/log/sinks/sync_frontend.hpp>
#include <boost/log/sinks/text_ostream_backend.hpp>
#include <boost/log/sources/record_ostream.hpp>
#include <boost/log/sources/severity_logger.hpp>
#include <boost/log/utility/exception_handler.hpp>
#include <boost/log/utility/formatting_ostream.hpp>
#include <boost/smart_ptr/make_shared.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>

#include "agent-lib/support/log.hpp"
#include "agent-lib/support/time.hpp"
#include "agent-lib/support/utf8.hpp"
#include "service/os/private_file.hpp"
#include "service/os/rotating_file.hpp"

#ifdef _WIN32
#include <io.h>
#else
#include <unistd.h>
#endif

namespace rdpmend {

namespace {

namespace blog = boost::log;
namespace fs = std::filesystem;
using Logger = blog::sources::severity_logger_mt<log::Level>;
using ConsoleSink = blog::sinks::synchronous_sink<blog::sinks::text_ostream_backend>;

constexpr char k_log_name[] = "rdpmendd";
constexpr std::size_t k_max_line_bytes = 16 * 1024;

// Never destroyed: a thread may log while the process ends.
Logger& logger() {
  static auto& instance = *new Logger;
  return instance;
}

std::string_view name_of(log::Level level) {
  switch (level) {
    case log::Level::debug: return "debug";
    case log::Level::info: return "info";
    case log::Level::warning: return "warning";
    case log::Level::error: return "error";
  }
  return "?";
}

// https://ecma-international.org/publications-and-standards/standards/ecma-48/ 8.3.117
std::string_view colour_of(log::Level level) {
  switch (level) {
    case log::Level::debug: return "\x1b[2m";
    case log::Level::info: return "";
    case log::Level::warning: return "\x1b[33m";
    case log::Level::error: return "\x1b[31m";
  }
  return "";
}

log::Level level_of(v1::LogConfig::Level level) {
  switch (level) {
    case v1::LogConfig::LEVEL_DEBUG: return log::Level::debug;
    case v1::LogConfig::LEVEL_WARNING: return log::Level::warning;
    case v1::LogConfig::LEVEL_ERROR: return log::Level::error;
    default: return log::Level::info;
  }
}

// A line stays one line, and says nothing to a terminal: parts of it come from event logs and from the network.
std::string one_line(std::string_view message) {
  std::string out;
  for (const char c : message.substr(0, k_max_line_bytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  if (message.size() > k_max_line_bytes) out += fmt::format("... ({} bytes)", message.size());
  return out;
}

// The sink behind agent-lib/support/log.hpp. A log that cannot be written must not stop what is being logged.
void write_line(log::Level level, std::string_view message) {
  try {
    const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
    const auto line = fmt::format("{} {:<7} {}", to_iso8601(now), name_of(level), one_line(message));
    BOOST_LOG_SEV(logger(), level) << line;
  } catch (const std::exception&) {
  }
}

bool colour_wanted() {
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
#ifdef _WIN32
  return _isatty(_fileno(stderr)) != 0;
#else
  return isatty(fileno(stderr)) != 0;
#endif
}

boost::shared_ptr<ConsoleSink> console_sink() {
  auto sink = boost::make_shared<ConsoleSink>();
  sink->locked_backend()->add_stream(boost::shared_ptr<std::ostream>(&std::cerr, boost::null_deleter()));
  sink->locked_backend()->auto_flush(true);
  sink->set_formatter([colour = colour_wanted()](const blog::record_view& record, blog::formatting_ostream& out) {
    const auto level = blog::extract_or_default<log::Level>("Severity", record, log::Level::info);
    const auto start = colour ? colour_of(level) : std::string_view{};
    out << start << blog::extract_or_default<std::string>("Message", record, std::string{})
        << (start.empty() ? "" : "\x1b[0m");
  });
  sink->set_exception_handler(blog::make_exception_suppressor());
  return sink;
}

// rdpmendd.log, and beside it keep_files older ones of rotate_bytes each.
class FileBackend final : public blog::sinks::basic_formatted_sink_backend<char, blog::sinks::synchronized_feeding> {
 public:
  FileBackend(const v1::LogConfig& config, const fs::path& folder)
      : file_(folder, k_log_name, config.rotate_bytes(), config.keep_files()) {}
  void consume(const blog::record_view&, const string_type& line) { file_.write_line(line); }

 private:
  RotatingFile file_;
};
using FileSink = blog::sinks::synchronous_sink<FileBackend>;

boost::shared_ptr<FileSink> file_sink(const v1::LogConfig& config, const fs::path& folder) {
  auto sink = boost::make_shared<FileSink>(boost::make_shared<FileBackend>(config, folder));
  sink->set_formatter([](const blog::record_view& record, blog::formatting_ostream& out) {
    out << blog::extract_or_default<std::string>("Message", record, std::string{});
  });
  sink->set_exception_handler(blog::make_exception_suppressor());
  return sink;
}

// The file is opened with the first line, too late to tell anybody.
Status check_writable(const fs::path& folder) {
  const auto file = folder / (std::string(k_log_name) + ".log");
  if (const auto made = make_private_folder(folder); !made) {
    return fail(Error(made.error()).context(fmt::format("cannot write log file {}", to_utf8(file))));
  }
  if (std::ofstream(file, std::ios::app).is_open()) return {};
  return fail(ErrorCode::denied, fmt::format("cannot write log file {}", to_utf8(file)),
              "Give the service's account access to the folder, or choose another state folder.");
}

}  // namespace

Status start_logging(const v1::LogConfig& config, ConsoleLog console, const std::optional<fs::path>& folder) {
  try {
    if (folder) {
      if (const auto writable = check_writable(*folder); !writable) return writable;
      blog::core::get()->add_sink(file_sink(config, *folder));
    }
    if (console == ConsoleLog::standard_error) blog::core::get()->add_sink(console_sink());
    (void)logger();
  } catch (const std::exception& error) {
    stop_logging();
    return fail(ErrorCode::unavailable, fmt::format("cannot start the log: {}", error.what()),
                "Check the state folder and the disk that holds it.");
  }
  log::set_sink(write_line, level_of(config.level()));
  return {};
}

void stop_logging() {
  log::set_sink(nullptr, log::Level::info);
  try {
    blog::core::get()->flush();
    blog::core::get()->remove_all_sinks();
  } catch (const std::exception&) {
  }
}

}  // namespace rdpmend
