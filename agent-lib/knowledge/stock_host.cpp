#include "agent-lib/knowledge/stock_host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace rdpmend {

namespace embedded {
const std::vector<std::string_view>& stock_host_files();
}

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

template <class Items, class Matches>
auto find_item(Items& items, Matches matches) -> decltype(&*items.begin()) {
  const auto at = std::find_if(items.begin(), items.end(), matches);
  return at == items.end() ? nullptr : &*at;
}

// Each field that `over` has replaces that of `base`, whole.
void lay_over(Message& base, const Message& over) {
  std::vector<const FieldDescriptor*> said;
  over.GetReflection()->ListFields(over, &said);
  for (const auto* field : said) base.GetReflection()->ClearField(&base, field);
  base.MergeFrom(over);
}

// Items are the same if their names are.
template <class Items, class Name, class LayOver>
void lay_each_over(Items& base, const Items& over, Name name, LayOver lay_item_over) {
  for (const auto& item : over) {
    auto* there = find_item(base, [&](const auto& each) { return name(each) == name(item); });
    lay_item_over(there == nullptr ? *base.Add() : *there, item);
  }
}

v1::StockHost inherited(v1::StockHost base, v1::StockHost host) {
  lay_each_over(*base.mutable_services(), host.services(), std::mem_fn(&v1::StockService::name), lay_over);
  lay_each_over(*base.mutable_firewall_rules(), host.firewall_rules(), std::mem_fn(&v1::StockFirewallRule::id),
                lay_over);
  lay_each_over(*base.mutable_keys(), host.keys(), std::mem_fn(&v1::StockKey::key),
                [](v1::StockKey& below, const v1::StockKey& above) {
                  below.set_key(above.key());
                  lay_each_over(*below.mutable_values(), above.values(), std::mem_fn(&v1::StockValue::name), lay_over);
                });
  host.clear_services();
  host.clear_firewall_rules();
  host.clear_keys();
  // Who has looked at the base says nothing of who has looked at this one.
  base.clear_source();
  base.clear_unproven();
  lay_over(base, host);
  return base;
}

void add_rows(const std::string& of, const Message& message, std::vector<StockRow>& rows);

// "services" of a host are told by their names, parts of a service by the names of their fields.
std::string name_of(const Message& message, const FieldDescriptor& field) {
  for (const auto* key : {"name", "key", "id"}) {
    const auto* named = message.GetDescriptor()->FindFieldByName(key);
    if (field.is_repeated() && named != nullptr) return message.GetReflection()->GetString(message, named);
  }
  return field.name();
}

void add_rows_below(const std::string& of, const Message& message, std::vector<StockRow>& rows) {
  const auto& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const auto add = [&](const Message& part) {
      add_rows(of.empty() ? name_of(part, *field) : fmt::format("{}, {}", of, name_of(part, *field)), part, rows);
    };
    if (!field->is_repeated()) add(reflection.GetMessage(message, field));
    for (int i = 0; field->is_repeated() && i < reflection.FieldSize(message, field); ++i)
      add(reflection.GetRepeatedMessage(message, field, i));
  }
}

void add_rows(const std::string& of, const Message& message, std::vector<StockRow>& rows) {
  const auto* source = message.GetDescriptor()->FindFieldByName("source");
  const auto* unproven = message.GetDescriptor()->FindFieldByName("unproven");
  if (source == nullptr || unproven == nullptr) return add_rows_below(of, message, rows);
  const auto& reflection = *message.GetReflection();
  rows.push_back({of, reflection.GetString(message, source), reflection.GetString(message, unproven)});
}

}  // namespace

const v1::StockService* Stock::service(std::string_view name) const {
  return find_item(host_->services(), [&](const auto& each) { return each.name() == name; });
}

const v1::StockValue* Stock::value(std::string_view key, std::string_view name) const {
  const auto* found = find_item(host_->keys(), [&](const auto& each) { return each.key() == key; });
  return found == nullptr ? nullptr : find_item(found->values(), [&](const auto& each) { return each.name() == name; });
}

const v1::StockFirewallRule* Stock::firewall_rule(std::string_view id) const {
  return find_item(host_->firewall_rules(), [&](const auto& each) { return each.id() == id; });
}

Stock stock_of(std::uint32_t build, v1::WindowsRole role) {
  const auto* nearest = &stock_hosts().front();
  for (const auto& host : stock_hosts()) {
    if (host.role() == role && host.build() <= build) nearest = &host;
  }
  return {*nearest, nearest->role() == role && nearest->build() == build && nearest->unproven().empty()};
}

Result<Stock> stock_of(const Registry& registry) {
  const auto build = windows_build(registry);
  if (!build) return fail(build.error());
  const auto kind = read_text(registry, registry_key::k_current_version, "InstallationType");
  if (!kind) return fail(kind.error());
  return stock_of(build->value_or(0), *kind == "Client" ? v1::WINDOWS_ROLE_CLIENT : v1::WINDOWS_ROLE_SERVER);
}

const std::vector<v1::StockHost>& stock_hosts() {
  static const std::vector<v1::StockHost> k_hosts = [] {
    v1::StockHostFile all;
    for (const auto file : embedded::stock_host_files()) all.MergeFromString(std::string{file});
    std::vector<v1::StockHost> hosts;
    for (auto& host : *all.mutable_hosts()) {
      const auto* base = find_item(hosts, [&](const auto& each) { return each.name() == host.based_on(); });
      hosts.push_back(base == nullptr ? std::move(host) : inherited(*base, std::move(host)));
    }
    return hosts;
  }();
  return k_hosts;
}

std::string service_key(std::string_view service) {
  return fmt::format(R"(SYSTEM\CurrentControlSet\Services\{})", service);
}

const v1::FileSecurity& stock_key_file_security(std::uint32_t build) {
  return stock_of(build).host().listener_key_file().security();
}

const v1::FileSecurity& stock_machine_keys_folder_security() {
  return stock_hosts().front().machine_keys_folder().security();
}

std::vector<StockRow> rows_of(const v1::StockHost& host) {
  std::vector<StockRow> rows{{host.title(), host.source(), host.unproven()}};
  add_rows_below("", host, rows);
  return rows;
}

}  // namespace rdpmend
