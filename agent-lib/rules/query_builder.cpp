#include "agent-lib/rules/query_builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "agent-lib/events/ascii.hpp"

namespace rdpmend {

namespace {

struct Channel {
  std::string name;  // As the first rule spells it.
  std::map<std::string, std::set<std::uint32_t>> ids_by_provider;
};

std::string escape_xml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

// The provider's test, or nothing: XPath 1.0 cannot write a literal with both kinds of quotes, and then ids must do.
std::string provider_test(std::string_view provider) {
  const bool single = provider.find('\'') != std::string_view::npos;
  const bool both = single && provider.find('"') != std::string_view::npos;
  if (both) return {};
  const char quote = single ? '"' : '\'';
  return fmt::format("Provider[@Name={}{}{}] and ", quote, provider, quote);
}

std::string select(const std::string& channel, const std::string& provider, const std::vector<std::uint32_t>& ids) {
  std::string tests;
  for (const auto id : ids) tests += fmt::format("{}EventID={}", tests.empty() ? "" : " or ", id);
  const auto xpath = fmt::format("*[System[{}({})]]", provider_test(provider), tests);
  return fmt::format("<Select Path=\"{}\">{}</Select>", escape_xml(channel), escape_xml(xpath));
}

std::string query(const Channel& channel) {
  std::string selects;
  constexpr std::size_t k_ids = k_max_select_expressions - 1;  // The provider is one, too.
  for (const auto& [provider, ids] : channel.ids_by_provider) {
    for (auto next = ids.begin(); next != ids.end();) {
      std::vector<std::uint32_t> some;
      for (; next != ids.end() && some.size() < k_ids; ++next) some.push_back(*next);
      selects += select(channel.name, provider, some);
    }
  }
  return fmt::format("<QueryList><Query Id=\"0\" Path=\"{}\">{}</Query></QueryList>", escape_xml(channel.name),
                     selects);
}

}  // namespace

std::vector<ChannelQuery> build_queries(const std::vector<v1::Rule>& rules) {
  std::map<std::string, Channel> channels;
  for (const auto& rule : rules) {
    auto& channel = channels[to_ascii_lower(rule.channel())];
    if (channel.name.empty()) channel.name = rule.channel();
    channel.ids_by_provider[rule.provider()].insert(rule.event_ids().begin(), rule.event_ids().end());
  }
  std::vector<ChannelQuery> queries;
  queries.reserve(channels.size());
  for (const auto& [key, channel] : channels) queries.push_back({channel.name, query(channel)});
  return queries;
}

}  // namespace rdpmend
