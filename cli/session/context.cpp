#include "cli/session/context.hpp"

#include "agent-lib/support/address.hpp"
#include "agent-lib/support/utf8.hpp"
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

// As gRPC wants it, and nothing that gRPC would take for another kind of address, such as unix:.
Result<std::string> service_address(const std::string& text) {
  return parse_host_port(text).map(
      [](const HostPort& written) { return to_text(written.host, written.port.value_or(k_default_rpc_port)); });
}

}  // namespace

Status check_written(std::ostream& stream) {
  if (stream.flush()) return {};
  return fail(ErrorCode::internal, "standard output cannot be written, so the answer is incomplete",
              "See that the disk is not full and that whoever reads the output still does");
}

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
  auto profile = read_profile(options_.profile.empty() ? default_profile_path() : path_from_utf8(options_.profile));
  if (!profile) return fail(profile.error());
  if (!options_.address && profile->address.empty()) {
    return fail(ErrorCode::invalid_argument, "the profile " + profile->file + " names no address",
                "Give one with --address HOST:PORT");
  }
  auto address = service_address(options_.address.value_or(profile->address));
  if (!address) {
    return fail(std::move(address.error()).context(options_.address ? "--address" : "the profile " + profile->file));
  }
  profile->address = std::move(*address);
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

Status Context::write(std::string_view text) {
  stream_ << text;
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
  return written();
}

Status Context::written() {
  return check_written(stream_);
}

}  // namespace rdpmend::cli
