#include "agent-lib/rules/site_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "agent-lib/support/printable.hpp"
#include "agent-lib/support/textproto.hpp"

namespace rdpmend {

namespace {

using ParseInfoTree = google::protobuf::TextFormat::ParseInfoTree;
using google::protobuf::Descriptor;

// The place of the last step of the way that is written in the file; a missing field is at its message.
void locate(const ParseInfoTree* tree, const Descriptor* type, const std::vector<FieldStep>& way,
            TextprotoError& place) {
  for (const auto& step : way) {
    const auto* field = type->FindFieldByName(step.field);
    if (tree == nullptr || field == nullptr) return;
    auto found = tree->GetLocation(field, step.index);
    // Of [1, 2, 3] only the beginning is remembered.
    if (found.line < 0 && step.index > 0) found = tree->GetLocation(field, 0);
    if (found.line < 0) return;
    place.line = found.line + 1;
    place.column = found.column + 1;
    if (field->message_type() == nullptr) return;
    type = field->message_type();
    tree = tree->GetTreeForNested(field, step.index);
  }
}

class SiteFileReader {
 public:
  explicit SiteFileReader(KnownIds known) : known_(std::move(known)) {}

  void read(std::string_view textproto) {
    v1::SiteRuleFile file;
    ParseInfoTree tree;
    if (!parse_textproto(textproto, file, problems_, &tree)) return;
    for (int i = 0; i < file.rules_size(); ++i) {
      const bool good = note(tree, "rules", i, check_rule(file.rules(i), known_));
      // A bad rule's id is taken, too: an override of it is not a second mistake, and neither is a copy of it right.
      known_.rules.insert(file.rules(i).id());
      if (good) rules.push_back(file.rules(i));
    }
    std::set<std::string> changed;
    for (int i = 0; i < file.overrides_size(); ++i) {
      const auto& change = file.overrides(i);
      auto problems = check_override(change, known_);
      if (!changed.insert(change.rule_id()).second) {
        problems.push_back({{{"rule_id"}}, fmt::format("rule \"{}\" is overridden twice", change.rule_id())});
      }
      if (note(tree, "overrides", i, problems)) overrides.push_back(change);
    }
  }

  std::vector<std::string> lines(const std::string& name) {
    std::stable_sort(problems_.begin(), problems_.end(), [](const TextprotoError& a, const TextprotoError& b) {
      return std::tie(a.line, a.column) < std::tie(b.line, b.column);
    });
    std::vector<std::string> out;
    for (const auto& one : problems_) {
      const auto message = clipped(printable(one.message), k_max_site_problem_bytes);
      out.push_back(fmt::format("{}:{}:{}: {}", name, one.line, one.column, message));
    }
    if (more_ > 0) out.push_back(fmt::format("{}: and {} more", name, more_));
    return out;
  }

  std::vector<v1::Rule> rules;
  std::vector<v1::RuleOverride> overrides;

 private:
  // Keeps what is wrong with the entry, with its place; true if nothing is.
  bool note(const ParseInfoTree& tree, const std::string& list, int index, const std::vector<RuleProblem>& problems) {
    for (const auto& problem : problems) {
      if (problems_.size() == k_max_site_problems) {
        ++more_;
        continue;
      }
      std::vector<FieldStep> way{{list, index}};
      way.insert(way.end(), problem.where.begin(), problem.where.end());
      auto& place = problems_.emplace_back();
      place.message = problem.message;
      locate(&tree, v1::SiteRuleFile::descriptor(), way, place);
    }
    return problems.empty();
  }

  KnownIds known_;
  std::vector<TextprotoError> problems_;
  std::size_t more_ = 0;  // That are not kept.
};

}  // namespace

SiteFile read_site_file(const std::string& name, std::string_view textproto, KnownIds known) {
  SiteFileReader reader(std::move(known));
  reader.read(textproto);
  return {std::move(reader.rules), std::move(reader.overrides), reader.lines(name)};
}

}  // namespace rdpmend
