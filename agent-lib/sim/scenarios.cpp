#include "agent-lib/sim/scenarios.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace rdpmend::embedded {
const std::vector<std::string_view>& scenario_files();  // Generated while building.
}

namespace rdpmend::sim {

namespace {
std::vector<v1::Scenario> load() {
  std::vector<v1::Scenario> all;
  for (const auto file : embedded::scenario_files()) {
    v1::Scenario scenario;
    // Checked by protoc while building; what does not parse here was damaged since, and is not offered.
    if (scenario.ParseFromArray(file.data(), static_cast<int>(file.size()))) all.push_back(std::move(scenario));
  }
  std::ranges::sort(all, {}, [](const v1::Scenario& scenario) { return scenario.name(); });
  return all;
}
}  // namespace

const std::vector<v1::Scenario>& scenarios() {
  static const auto all = load();
  return all;
}

Result<v1::Scenario> find_scenario(std::string_view name) {
  std::vector<std::string_view> names;
  for (const auto& scenario : scenarios()) {
    if (scenario.name() == name) return scenario;
    names.push_back(scenario.name());
  }
  return fail(ErrorCode::not_found, fmt::format("there is no scenario {}", name),
              fmt::format("Use one of: {}", fmt::join(names, ", ")));
}

}  // namespace rdpmend::sim
