// The table of settings: every row is whole, and what it forbids cannot be asked for.
#include "agent-lib/steps/settings.hpp"

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "agent-lib/knowledge/stock_host.hpp"
#include "agent-lib/steps/make.hpp"

namespace rdpmend {
namespace {

using Value = std::optional<RegistryValue>;

const SettingRow& row_of(v1::Setting setting) {
  return *find_setting(setting);
}

Result<Value> asked(const v1::Step& step) {
  return wanted_value(row_of(step.set_setting().setting()), step.set_setting());
}

TEST(Settings, EverySettingOfTheVocabularyHasOneRowAndEveryRowASetting) {
  const auto& names = *v1::Setting_descriptor();
  EXPECT_EQ(setting_rows().size(), static_cast<std::size_t>(names.value_count() - 1)) << "all but UNSPECIFIED";
  std::set<std::pair<std::string_view, std::string_view>> places;
  for (int i = 0; i < names.value_count(); ++i) {
    const auto setting = static_cast<v1::Setting>(names.value(i)->number());
    const auto* row = find_setting(setting);
    if (setting == v1::SETTING_UNSPECIFIED) {
      EXPECT_EQ(row, nullptr);
      continue;
    }
    ASSERT_NE(row, nullptr) << names.value(i)->name();
    EXPECT_TRUE(places.emplace(row->key, row->name).second) << name_of(*row) << " stands there twice";
  }
}

TEST(Settings, EveryRowSaysWhereItComesFromAndWhatItMeans) {
  for (const auto& row : setting_rows()) {
    const bool cites = row.source.find("measured.md") != std::string_view::npos ||
                       row.source.find("rdp-host.md") != std::string_view::npos ||
                       row.source.find("https://") != std::string_view::npos;
    EXPECT_TRUE(cites) << name_of(row);
    EXPECT_FALSE(row.meaning.empty()) << name_of(row);
    EXPECT_FALSE(row.name.empty());
  }
}

TEST(Settings, EveryKeyIsBelowHklmAndNoneIsAPolicy) {
  for (const auto& row : setting_rows()) {
    EXPECT_TRUE(row.key.starts_with("SYSTEM\\CurrentControlSet\\") || row.key.starts_with("SOFTWARE\\Microsoft\\"))
        << row.key;
    EXPECT_EQ(row.key.find("Policies"), std::string_view::npos) << row.key;
    EXPECT_FALSE(row.key.ends_with('\\'));
    EXPECT_EQ(row.name.find('\\'), std::string_view::npos) << row.name;
    EXPECT_EQ(row.policy_twin.find('\\'), std::string_view::npos) << row.policy_twin << " is a name, not a path";
  }
}

TEST(Settings, WhatGroupPolicyIsKnownToDecideHasATwin) {
  for (const auto setting :
       {v1::SETTING_DENY_CONNECTIONS, v1::SETTING_SECURITY_LAYER, v1::SETTING_MIN_ENCRYPTION_LEVEL,
        v1::SETTING_USER_AUTHENTICATION, v1::SETTING_MAX_INSTANCE_COUNT, v1::SETTING_SELECT_TRANSPORT}) {
    EXPECT_EQ(row_of(setting).policy_twin, row_of(setting).name);
  }
  EXPECT_EQ(row_of(v1::SETTING_BOUND_CERTIFICATE).policy_twin, "CertTemplateName");
}

TEST(Settings, WhatCanOnlyBeDeletedMayBe) {
  for (const auto& row : setting_rows()) {
    EXPECT_TRUE(row.may_be_deleted || !std::holds_alternative<Nothing>(row.writable)) << name_of(row);
    const auto* range = std::get_if<NumberRange>(&row.writable);
    EXPECT_TRUE(!range || range->least <= range->most) << name_of(row);
    if (row.raise_only) {
      EXPECT_TRUE(std::holds_alternative<NumberRange>(row.writable)) << name_of(row);
      EXPECT_FALSE(row.may_be_deleted) << name_of(row) << ": the default may be weaker";
    }
  }
}

TEST(Settings, WhatProtectsAConnectionIsNeverLowered) {
  for (const auto setting :
       {v1::SETTING_SECURITY_LAYER, v1::SETTING_MIN_ENCRYPTION_LEVEL, v1::SETTING_USER_AUTHENTICATION}) {
    const auto& row = row_of(setting);
    const auto range = std::get<NumberRange>(row.writable);
    ASSERT_TRUE(row.raise_only) << name_of(row);
    for (auto now = range.least; now <= range.most; ++now) {
      for (auto then = range.least; then <= range.most; ++then) {
        EXPECT_EQ(may_replace(row, Value(now), Value(then)).has_value(), now <= then)
            << name_of(row) << " from " << now << " to " << then;
      }
    }
    // Out of the set, or no number at all: no client can agree to that, and nothing is weakened by mending it.
    EXPECT_TRUE(may_replace(row, Value(range.most + 1), Value(range.least)));
    EXPECT_TRUE(may_replace(row, Value(std::string("2")), Value(range.least)));
    EXPECT_EQ(may_replace(row, std::nullopt, Value(range.most)).error().code, ErrorCode::denied);
    EXPECT_EQ(may_replace(row, Value(range.most), std::nullopt).error().code, ErrorCode::denied);
  }
}

// The one number that protects less and may be written at all, and then for a time only.
TEST(Settings, NothingIsLentButUserAuthenticationZeroOverOne) {
  for (const auto& row : setting_rows())
    EXPECT_EQ(row.lent.has_value(), row.setting == v1::SETTING_USER_AUTHENTICATION);
  const auto& row = row_of(v1::SETTING_USER_AUTHENTICATION);
  EXPECT_TRUE(is_only_lent(row, set_setting(row.setting, 0).set_setting()));
  EXPECT_FALSE(is_only_lent(row, set_setting(row.setting, 1).set_setting()));
  EXPECT_FALSE(
      is_only_lent(row_of(v1::SETTING_SECURITY_LAYER), set_setting(v1::SETTING_SECURITY_LAYER, 0).set_setting()));
  EXPECT_TRUE(may_lend(row, Value(std::uint32_t{1})));
  EXPECT_EQ(may_lend(row, Value(std::uint32_t{0})).error().code, ErrorCode::conflict);
  for (const Value& before : {Value(), Value(std::uint32_t{2}), Value(std::string("1"))})
    EXPECT_EQ(may_lend(row, before).error().code, ErrorCode::denied) << to_text(before);
}

TEST(Settings, OnlyWhatTheRowAllowsCanBeAskedFor) {
  EXPECT_EQ(asked(set_setting(v1::SETTING_DENY_CONNECTIONS, 0)).value(), Value(std::uint32_t{0}));
  EXPECT_EQ(asked(set_setting(v1::SETTING_PORT_NUMBER, 65535)).value(), Value(std::uint32_t{65535}));
  EXPECT_EQ(asked(set_setting(v1::SETTING_SELF_SIGNED_CERT_STORE, "Remote Desktop")).value(),
            Value(std::string("Remote Desktop")));
  EXPECT_EQ(asked(set_setting(v1::SETTING_TERM_SERVICE_DLL, R"(%SystemRoot%\System32\termsrv.dll)")).value(),
            Value(ExpandableText{R"(%SystemRoot%\System32\termsrv.dll)"}));
  EXPECT_EQ(asked(set_setting(v1::SETTING_BOUND_CERTIFICATE, RegistryBinary(20, 7))).value(),
            Value(RegistryBinary(20, 7)));
  EXPECT_EQ(asked(delete_setting(v1::SETTING_BOUND_CERTIFICATE)).value(), Value());
  EXPECT_EQ(asked(delete_setting(v1::SETTING_LICENSING_CERTIFICATE)).value(), Value());

  v1::Step nothing;
  nothing.mutable_set_setting()->set_setting(v1::SETTING_BOUND_CERTIFICATE);
  v1::Step not_absent = delete_setting(v1::SETTING_BOUND_CERTIFICATE);
  not_absent.mutable_set_setting()->set_absent(false);
  for (const auto& step : {set_setting(v1::SETTING_DENY_CONNECTIONS, 1), set_setting(v1::SETTING_DENY_CONNECTIONS, "0"),
                           set_setting(v1::SETTING_PORT_NUMBER, 0), set_setting(v1::SETTING_PORT_NUMBER, 65536),
                           set_setting(v1::SETTING_LISTENER_ENABLED, 0), set_setting(v1::SETTING_LOGONS_DISABLED, "1"),
                           set_setting(v1::SETTING_TERM_SERVICE_DLL, R"(C:\rdpwrap.dll)"),
                           set_setting(v1::SETTING_BOUND_CERTIFICATE, RegistryBinary(19, 7)),
                           set_setting(v1::SETTING_LICENSING_CERTIFICATE, RegistryBinary(4, 7)),
                           delete_setting(v1::SETTING_DENY_CONNECTIONS),
                           delete_setting(v1::SETTING_USER_AUTHENTICATION), nothing, not_absent}) {
    const auto answer = asked(step);
    ASSERT_FALSE(answer) << step.ShortDebugString();
    EXPECT_EQ(answer.error().code, ErrorCode::invalid_argument);
  }
}

// The value that Windows ships, as a step that writes it; nullopt: it is absent there, or differs from host to host.
std::optional<v1::Step> step_to_stock(v1::Setting setting, const v1::StockValue& stock) {
  if (stock.has_dword() && stock.dword().has_value()) return set_setting(setting, stock.dword().value());
  if (stock.has_text() && !stock.text().value().empty()) return set_setting(setting, stock.text().value());
  return std::nullopt;
}

// The two tables are written apart: what one calls healthy the other must let a repair restore, and no more than that.
TEST(Settings, AgreeWithWhatWindowsShips) {
  std::set<v1::Setting> compared;
  for (const auto& host : stock_hosts()) {
    const Stock stock(host, true);
    for (const auto& row : setting_rows()) {
      const auto* value = stock.value(row.key, row.name);
      if (value == nullptr) continue;
      SCOPED_TRACE(host.name() + ": " + name_of(row));
      if (const auto step = step_to_stock(row.setting, *value)) {
        EXPECT_TRUE(asked(*step)) << step->ShortDebugString();
        compared.insert(row.setting);
      }
      if (const auto* range = std::get_if<NumberRange>(&row.writable)) {
        ASSERT_TRUE(value->has_dword());
        EXPECT_GE(range->least, value->dword().lowest());
        EXPECT_TRUE(!value->dword().has_highest() || range->most <= value->dword().highest());
      }
      const auto* bytes = std::get_if<BytesOfSize>(&row.writable);
      EXPECT_TRUE(bytes == nullptr || bytes->size == value->binary().size());
    }
  }
  EXPECT_GT(compared.size(), 8u);
}

TEST(Settings, AValueComesBackFromTheJournalWithItsType) {
  for (const Value& value : {Value(), Value(std::uint32_t{0}), Value(std::string()), Value(std::string("x")),
                             Value(ExpandableText{"x"}), Value(RegistryBinary{}), Value(RegistryBinary{0, 255})}) {
    EXPECT_EQ(from_state(to_state(value)), value) << to_text(value);
  }
}

}  // namespace
}  // namespace rdpmend
