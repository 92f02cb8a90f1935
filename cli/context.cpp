#include "cli/context.hpp"

#include "cli/format/json.hpp"

namespace rdpmend::cli {

namespace {

Terminal without_colour(Terminal terminal) {
  terminal.colour = false;
  return terminal;
}

Terminal as_wished(Terminal terminal, const GlobalOptions& options) {
  return options.no_color ? without_colour(terminal) : terminal;
}

}  // namespace

// Notes go to stderr, which may be a file although standard output is a terminal: never coloured.
Context::Context(GlobalOptions options, std::ostream& out, std::ostream& err, const Terminal& terminal,
                 std::stop_token stop)
    : options_(std::move(options)),
      stream_(out),
      out_(out, as_wished(terminal, options_)),
      notes_(err, without_colour(terminal)),
      stop_(std::move(stop)) {}

Result<Client> Context::connect() const {
  return connect(std::chrono::seconds{options_.timeout_s});
}

Result<Client> Context::connect(std::chrono::seconds timeout) const {
  auto profile =
      read_profile(options_.profile.empty() ? default_profile_path() : std::filesystem::path{options_.profile});
  if (!profile) return fail(profile.error());
  if (!options_.address.empty()) profile->address = options_.address;
  if (profile->address.empty()) {
    return fail(ErrorCode::invalid_argument, "the profile " + profile->file + " names no address",
                "Give one with --address HOST:PORT");
  }
  return Client(std::move(*profile), timeout, stop_);
}

Status Context::show(const google::protobuf::Message& answer, const std::function<void(Page&)>& people) {
  if (!json()) {
    people(out_);
    return {};
  }
  const auto text = to_json(answer, JsonLayout::indented);
  if (!text) return fail(text.error());
  stream_ << *text;
  return {};
}

Status Context::show_one(const google::protobuf::Message& answer, const std::function<void(Page&)>& people) {
  if (!json()) {
    people(out_);
  } else {
    const auto text = to_json(answer, JsonLayout::line);
    if (!text) return fail(text.error());
    stream_ << *text;
  }
  stream_.flush();
  return {};
}

}  // namespace rdpmend::cli
