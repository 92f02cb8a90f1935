#include "tests/engine/expectation.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <sstream>
#include <stdexcept>

#include "agent-lib/record/journal_chain.hpp"
#include "agent-lib/record/words.hpp"
#include "agent-lib/sim/world.hpp"
#include "agent-lib/steps/settings.hpp"

namespace rdpmend::test {

namespace {

constexpr std::size_t k_all = 1'000'000;

// What a line of a fingerprint is about, whatever is said of it: "service SessionEnv run".
std::string fact_of(const std::string& line) {
  return line.substr(0, line.find(" = "));
}

v1::IncidentState expected_end(const v1::Expect::Incident& incident, Administrator administrator) {
  const bool other =
      administrator == Administrator::approves_everything && incident.ends_approved() != v1::INCIDENT_STATE_UNSPECIFIED;
  return other ? incident.ends_approved() : incident.ends();
}

}  // namespace

Lines lines_of(const std::string& fingerprint) {
  Lines lines;
  std::istringstream text(fingerprint);
  for (std::string line; std::getline(text, line);) lines.insert(line);
  return lines;
}

Lines changed_lines(const Lines& before, const Lines& after) {
  Lines changed;
  std::ranges::set_symmetric_difference(before, after, std::inserter(changed, changed.end()));
  return changed;
}

void carry_over(Lines& lines, const Lines& changed, const Lines& after) {
  std::set<std::string> facts;
  for (const auto& line : changed) facts.insert(fact_of(line));
  std::erase_if(lines, [&](const std::string& line) { return facts.contains(fact_of(line)); });
  for (const auto& line : after) {
    if (facts.contains(fact_of(line))) lines.insert(line);
  }
}

bool speaks_of(std::string_view pattern, std::string_view line) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == line;
  if (!line.starts_with(pattern.substr(0, star))) return false;
  const auto rest = pattern.substr(star + 1);
  for (auto at = star; at <= line.size(); ++at) {
    if (speaks_of(rest, line.substr(at))) return true;
  }
  return false;
}

Lines unspoken(const Lines& lines, const std::vector<std::string>& patterns) {
  Lines rest = lines;
  std::erase_if(rest, [&](const std::string& line) {
    return std::ranges::any_of(patterns, [&](const std::string& pattern) { return speaks_of(pattern, line); });
  });
  return rest;
}

std::vector<std::string> lines_touched_by(const v1::Step& step) {
  switch (step.kind_case()) {
    case v1::Step::kGrantKeyFileAccess:
      return {fmt::format("key file {}\\{} access = *", step.grant_key_file_access().folder(),
                          step.grant_key_file_access().file())};
    // What is put back has the access list that it had, or is not there.
    case v1::Step::kKeepKeyFile:
      return {fmt::format("key file {}\\{} *", step.keep_key_file().folder(), step.keep_key_file().file())};
    case v1::Step::kRemoveCertificate:
      return {
          fmt::format("certificate {} {} = *", step.remove_certificate().store(), step.remove_certificate().sha1())};
    case v1::Step::kSetServiceStartType:
      return {fmt::format("service {} start type = *", step.set_service_start_type().service())};
    case v1::Step::kRestartService: {
      std::vector<std::string> lines{fmt::format("service {} run = *", step.restart_service().service())};
      if (step.restart_service().service() == "TermService") lines.emplace_back("service UmRdpService run = *");
      return lines;
    }
    case v1::Step::kEnableFirewallRule:
      return {fmt::format("firewall rule {} enabled = *", step.enable_firewall_rule().rule_id())};
    case v1::Step::kSetSetting: {
      const auto& setting = *find_setting(step.set_setting().setting());
      return {fmt::format("registry {}\\{} = *", setting.key, setting.name)};
    }
    case v1::Step::kMoveKeyFileAside:
      return {fmt::format("key file {}\\{} *", step.move_key_file_aside().folder(), step.move_key_file_aside().file()),
              fmt::format("key file aside {}.* *", step.move_key_file_aside().file())};
    default: return {};
  }
}

std::vector<std::string> lines_touched_by_session_env() {
  const auto file = machine_key_file_name(sim::k_key_container, sim::k_machine_guid);
  return {"certificate Remote Desktop *", fmt::format("key file {}\\{} *", k_machine_keys_folder, file),
          "registry *\\WinStations\\SelfSignedCertificate = *"};
}

IncidentBook book_of(const Journal& journal) {
  IncidentBook book;
  ChainLink last;
  const auto stored = journal.read_stored(0, k_all).value();
  for (const auto& entry : stored) {
    if (const auto problem = check_link(entry, last); !problem.empty()) throw std::runtime_error(problem);
    book.apply(read_entry(entry).value());
  }
  return book;
}

std::string complaint_about_incidents(const v1::Expect& expect, const IncidentBook& book, Administrator administrator) {
  std::vector<std::string> complaints;
  std::map<std::string, v1::IncidentState> missing;
  for (const auto& incident : expect.present()) {
    if (const auto end = expected_end(incident, administrator); end != v1::INCIDENT_STATE_UNSPECIFIED)
      missing[incident.fault_id()] = end;
  }
  const auto expected = missing;
  std::set<std::pair<std::string, std::string>> subjects;
  for (const auto& [id, incident] : book.incidents()) {
    const auto& fault_id = incident->diagnosis().fault_id();
    const auto found = expected.find(fault_id);
    missing.erase(fault_id);
    if (found == expected.end()) {
      complaints.push_back(fmt::format("{} is found and must not be: {}", fault_id, incident->diagnosis().summary()));
    } else if (incident->state() != found->second) {
      complaints.push_back(fmt::format("{} is {} ({}), not {}", fault_id, to_string(incident->state()),
                                       incident->reason(), to_string(found->second)));
    }
    if (!subjects.emplace(fault_id, incident->diagnosis().subject()).second)
      complaints.push_back(fmt::format("{} is found more than once on the same subject", fault_id));
  }
  for (const auto& [fault_id, state] : missing) complaints.push_back(fault_id + " is not found");
  return fmt::format("{}", fmt::join(complaints, "\n"));
}

std::string complaint_about_lines(const v1::Expect& expect, const Lines& changed) {
  const std::vector<std::string> patterns(expect.leaves_changed().begin(), expect.leaves_changed().end());
  std::vector<std::string> complaints;
  for (const auto& line : unspoken(changed, patterns)) complaints.push_back("changed and must not be: " + line);
  for (const auto& pattern : patterns) {
    if (std::ranges::none_of(changed, [&](const std::string& line) { return speaks_of(pattern, line); }))
      complaints.push_back("not changed: " + pattern);
  }
  return fmt::format("{}", fmt::join(complaints, "\n"));
}

template <class Doing>
void Untouched::follow(Doing doing) {
  const auto before = lines_of(host_.fingerprint());
  doing();
  const auto after = lines_of(host_.fingerprint());
  carry_over(lines_, changed_lines(before, after), after);
}

void Untouched::edit(const v1::SimChange& change) {
  follow([&] { host_.change(change); });
}

void Untouched::advance(Duration time) {
  follow([&] { host_.advance(time); });
}

}  // namespace rdpmend::test
