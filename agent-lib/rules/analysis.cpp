#include "agent-lib/rules/analysis.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "agent-lib/events/event_file.hpp"
#include "agent-lib/events/event_xml.hpp"
#include "agent-lib/rules/correlator.hpp"
#include "agent-lib/rules/rule_matcher.hpp"
#include "agent-lib/support/utf8.hpp"

namespace rdpmend {

namespace {

using Captures = std::map<std::string, std::string>;
using Computers = std::set<std::string>;

// Oldest and newest of some times.
struct Span {
  std::optional<WallTime> first;
  std::optional<WallTime> last;

  void add(const std::optional<WallTime>& time) {
    if (!time) return;
    first = first ? std::min(*first, *time) : *time;
    last = last ? std::max(*last, *time) : *time;
  }
  template <class Message>
  void write(Message& message) const {
    if (first) *message.mutable_first_event() = to_proto(*first);
    if (last) *message.mutable_last_event() = to_proto(*last);
  }
};

void add_computer(Computers& computers, const std::string& name) {
  if (!name.empty() && computers.size() < k_max_analysis_computers) computers.insert(name);
}

struct Finding {
  v1::AnalysisFinding message;
  Span span;
  Computers computers;
};

class Analysis {
 public:
  explicit Analysis(const Catalogue& catalogue) : catalogue_(catalogue), matcher_(catalogue.rules()) {}

  EventFileSink sink() {
    return {[this](std::string_view xml, const FilePosition& where) { take(xml, where); },
            [this](const FileProblem& problem) { note(problem); }};
  }

  v1::AnalysisReport finish(const EventFileTotals& totals, const std::string& name) {
    for (const auto& signal : correlator_.drain()) count_signal(signal);
    report_.set_file(name);
    report_.set_bytes_read(totals.bytes);
    report_.set_events_read(totals.events);
    report_.set_events_unmatched(report_.events_parsed() - report_.events_matched());
    span_.write(report_);
    for (const auto& computer : computers_) report_.add_computers(computer);
    write_faults();
    write_findings();
    return std::move(report_);
  }

 private:
  // Rule id and the values of group_by.
  using Key = std::vector<std::string>;

  void note(const FileProblem& problem) {
    report_.set_problem_count(report_.problem_count() + 1);
    if (report_.problem_count() > k_max_analysis_problems) return;
    auto& line = *report_.add_problems();
    line.set_line(problem.where.line);
    line.set_offset(problem.where.offset);
    line.set_reason(problem.reason);
  }

  void take(std::string_view xml, const FilePosition& where) {
    const auto event = parse_event(xml);
    if (!event) return note({where, event.error().what});
    report_.set_events_parsed(report_.events_parsed() + 1);
    span_.add(event->time);
    add_computer(computers_, event->computer);
    const auto matches = matcher_.match(*event);
    if (matches.empty()) return;
    report_.set_events_matched(report_.events_matched() + 1);
    for (const auto& match : matches) take_match(match, *event);
  }

  void take_match(const RuleMatch& match, const EventRecord& event) {
    if (auto* finding = finding_of(match)) {
      add_match(*finding, match, event);
    } else {
      report_.set_matches_without_finding(report_.matches_without_finding() + 1);
    }
    // An event without a time happened when its neighbour did.
    if (event.time) now_ = event.time->time_since_epoch();
    if (const auto signal = correlator_.add(match, event, now_)) count_signal(*signal);
    flush_now_and_then();
  }

  // Flushing looks at every group: once per second of the events' time is often enough.
  void flush_now_and_then() {
    const auto second = std::chrono::floor<std::chrono::seconds>(now_);
    if (second == flushed_) return;
    flushed_ = second;
    for (const auto& signal : correlator_.flush(now_)) count_signal(signal);
  }

  template <class Map>
  static Key key_of(const v1::Rule& rule, const Map& captures) {
    Key key{rule.id()};
    for (const auto& name : rule.group_by()) {
      const auto found = captures.find(name);
      key.push_back(found == captures.end() ? std::string() : found->second);
    }
    return key;
  }

  Finding* finding_of(const RuleMatch& match) {
    const auto& rule = *match.rule;
    auto key = key_of(rule, match.captures);
    const auto known = findings_.find(key);
    if (known != findings_.end()) return &known->second;
    if (findings_.size() == k_max_analysis_findings) return nullptr;
    auto& finding = findings_[std::move(key)];
    auto& message = finding.message;
    message.set_rule_id(rule.id());
    message.set_why(rule.why());
    message.set_effect(rule.effect());
    *message.mutable_fault_ids() = rule.faults();
    message.set_channel(rule.channel());
    message.set_provider(rule.provider());
    for (const auto& name : rule.group_by()) {
      if (match.captures.contains(name)) (*message.mutable_group())[name] = match.captures.at(name);
    }
    return &finding;
  }

  static void add_match(Finding& finding, const RuleMatch& match, const EventRecord& event) {
    auto& message = finding.message;
    message.set_matches(message.matches() + 1);
    ++(*message.mutable_matches_by_event_id())[event.event_id];
    finding.span.add(event.time);
    add_computer(finding.computers, event.computer);
    if (!is_new_sample(message, match.captures)) return;
    auto& sample = *message.add_samples();
    sample.set_event_record_id(event.record_id);
    sample.set_event_id(event.event_id);
    if (event.time) *sample.mutable_time() = to_proto(*event.time);
    sample.set_computer(event.computer);
    sample.mutable_captures()->insert(match.captures.begin(), match.captures.end());
  }

  static bool is_new_sample(const v1::AnalysisFinding& finding, const Captures& captures) {
    if (finding.samples_size() >= k_max_analysis_samples) return false;
    return std::none_of(finding.samples().begin(), finding.samples().end(), [&](const v1::AnalysisSample& sample) {
      return Captures(sample.captures().begin(), sample.captures().end()) == captures;
    });
  }

  void count_signal(const v1::Signal& signal) {
    for (const auto& rule : catalogue_.rules()) {
      if (rule.id() != signal.rule_id()) continue;
      const auto finding = findings_.find(key_of(rule, signal.captures()));
      if (finding != findings_.end()) finding->second.message.set_signals(finding->second.message.signals() + 1);
      return;
    }
  }

  void write_faults() {
    for (const auto& fault : catalogue_.faults()) {
      v1::AnalysisFault message;
      Span span;
      std::set<std::string> rules;
      for (const auto& [key, finding] : findings_) {
        const auto& ids = finding.message.fault_ids();
        if (finding.message.signals() == 0 || std::find(ids.begin(), ids.end(), fault.id()) == ids.end()) continue;
        message.set_signals(message.signals() + finding.message.signals());
        message.set_matches(message.matches() + finding.message.matches());
        rules.insert(finding.message.rule_id());
        span.add(finding.span.last);
      }
      if (message.signals() == 0) continue;
      message.set_fault_id(fault.id());
      message.set_title(fault.title());
      for (const auto& rule : rules) message.add_rule_ids(rule);
      if (span.last) *message.mutable_last_event() = to_proto(*span.last);
      *report_.add_faults() = std::move(message);
    }
    std::stable_sort(report_.mutable_faults()->begin(), report_.mutable_faults()->end(),
                     [](const auto& a, const auto& b) { return a.signals() > b.signals(); });
  }

  void write_findings() {
    for (auto& [key, finding] : findings_) {
      finding.span.write(finding.message);
      for (const auto& computer : finding.computers) finding.message.add_computers(computer);
      *report_.add_findings() = std::move(finding.message);
    }
    std::stable_sort(report_.mutable_findings()->begin(), report_.mutable_findings()->end(),
                     [](const auto& a, const auto& b) { return a.matches() > b.matches(); });
  }

  const Catalogue& catalogue_;
  RuleMatcher matcher_;
  Correlator correlator_;
  SteadyTime now_{};
  std::chrono::seconds flushed_{};
  v1::AnalysisReport report_;
  Span span_;
  Computers computers_;
  std::map<Key, Finding> findings_;
};

}  // namespace

Result<v1::AnalysisReport> analyze_event_file(const std::filesystem::path& path, const Catalogue& catalogue) {
  Analysis analysis(catalogue);
  const auto totals = read_event_file(path, analysis.sink());
  if (!totals) return fail(totals.error());
  return analysis.finish(*totals, to_utf8(path));
}

Result<v1::AnalysisReport> analyze_events(std::istream& in, const std::string& name, const Catalogue& catalogue) {
  Analysis analysis(catalogue);
  const auto totals = read_events(in, analysis.sink());
  if (!totals) return fail(Error(totals.error()).context("cannot read " + name));
  return analysis.finish(*totals, name);
}

}  // namespace rdpmend
