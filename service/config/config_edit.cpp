#include "service/config/config_edit.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <vector>

#include "agent-lib/support/textproto.hpp"
#include "rdpmend/v1/config.pb.h"
#include "service/config/config.hpp"

namespace rdpmend {

namespace {

using Tree = google::protobuf::TextFormat::ParseInfoTree;

// Where the tokenizer saw a field. It counts a tab as up to eight columns:
// https://github.com/protocolbuffers/protobuf/blob/v3.21.12/src/google/protobuf/io/tokenizer.cc (kTabWidth)
std::size_t offset_of(std::string_view text, google::protobuf::TextFormat::ParseLocation place) {
  constexpr int k_tab = 8;
  std::size_t at = 0;
  for (int line = 0; line < place.line && at < text.size(); ++at) line += text[at] == '\n' ? 1 : 0;
  for (int column = 0; column < place.column && at < text.size(); ++at)
    column += text[at] == '\t' ? k_tab - column % k_tab : 1;
  return at;
}

// The end of the quoted text that begins at `open`; npos: it has none.
std::size_t end_of_quoted(std::string_view text, std::size_t open) {
  for (std::size_t at = open + 1; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == text[open]) {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

std::string edited(std::string_view text, const Tree& tree, const std::string& quoted) {
  const auto* rpc = v1::ServiceConfig::descriptor()->FindFieldByNumber(v1::ServiceConfig::kRpcFieldNumber);
  const auto* listen = v1::RpcConfig::descriptor()->FindFieldByNumber(v1::RpcConfig::kListenFieldNumber);
  std::string out(text);
  const auto rpc_place = tree.GetLocation(rpc, -1);
  if (rpc_place.line < 0) {
    if (!out.empty() && out.back() != '\n') out += '\n';
    return out + fmt::format("rpc {{\n  listen: {}\n}}\n", quoted);
  }
  const auto* inner = tree.GetTreeForNested(rpc, -1);
  const auto listen_place =
      inner != nullptr ? inner->GetLocation(listen, -1) : google::protobuf::TextFormat::ParseLocation();
  if (listen_place.line < 0) {
    const auto brace = text.find_first_of("{<", offset_of(text, rpc_place));
    return brace == std::string_view::npos ? out : out.insert(brace + 1, fmt::format("\n  listen: {}", quoted));
  }
  const auto open = text.find_first_of("\"'", offset_of(text, listen_place));
  const auto end = open == std::string_view::npos ? open : end_of_quoted(text, open);
  return end == std::string_view::npos ? out : out.replace(open, end - open, quoted);
}

Status check(const std::string& text) {
  const auto parsed = parse_config("rdpmend.textproto", text, Catalogue::built_in());
  if (parsed.problems.empty()) return {};
  return fail(ErrorCode::invalid_argument, fmt::format("{}", fmt::join(parsed.problems, "\n")),
              "Correct the configuration file and try again.");
}

}  // namespace

Result<std::string> with_listen_address(std::string_view textproto, const std::string& address) {
  v1::ServiceConfig config;
  Tree tree;
  std::vector<TextprotoError> errors;
  if (!parse_textproto(textproto, config, errors, &tree)) return fail(check(std::string(textproto)).error());
  const bool plain = address.find_first_of("\"'\\\n") == std::string::npos;
  auto out = edited(textproto, tree, fmt::format("\"{}\"", plain ? address : ""));
  if (const auto valid = check(out); !valid) return fail(valid.error());
  if (parse_config("rdpmend.textproto", out, Catalogue::built_in()).config.rpc().listen() != address)
    return fail(ErrorCode::invalid_argument, fmt::format("cannot write the address {} to the configuration", address),
                "Set rpc { listen: \"ADDRESS:PORT\" } in rdpmend.textproto by hand.");
  return out;
}

}  // namespace rdpmend
