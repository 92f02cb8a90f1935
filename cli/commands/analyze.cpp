// rdpmend analyze: runs the rules over an exported Windows event log. Needs no service.
#include <fmt/format.h>

#include <fstream>

#include "agent-lib/rules/analysis.hpp"
#include "agent-lib/support/utf8.hpp"
#include "cli/commands/command.hpp"
#include "cli/format/analysis_view.hpp"

namespace rdpmend::cli {

namespace {

struct AnalyzeOptions {
  std::string file;
  std::string site_rules;
};

// What is wrong with the site's rules, one line each; the good ones are merged.
Result<std::vector<std::string>> merge_site_rules(Catalogue& catalogue, const std::string& name) {
  if (name.empty()) return std::vector<std::string>{};
  std::ifstream file(path_from_utf8(name), std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) return fail(ErrorCode::not_found, "cannot read the rules file " + name, "Check the name after --rules");
  return catalogue.merge_site_file(name, text);
}

Result<v1::AnalysisReport> analyze(const std::string& file, const Catalogue& catalogue) {
  auto report = analyze_event_file(path_from_utf8(file), catalogue);
  // Whatever it is, the file is at fault: neither the command line nor a service.
  if (!report) report.error().code = ErrorCode::corrupt;
  return report;
}

Result<ExitCode> analyze_logs(Context& context, const AnalyzeOptions& options) {
  auto catalogue = Catalogue::built_in();
  const auto problems = merge_site_rules(catalogue, options.site_rules);
  if (!problems) return fail(problems.error());
  for (const auto& problem : *problems) context.notes().text(problem);
  const auto report = analyze(options.file, catalogue);
  if (!report) return fail(report.error());
  const auto shown = context.show(*report, [&](Page& page) { print_analysis(page, *report); });
  if (!shown) return fail(shown.error());
  return problems->empty() && report->problem_count() == 0 ? ExitCode::ok : ExitCode::failed;
}

}  // namespace

void add_analyze(CLI::App& app, Run& chosen) {
  auto& command =
      add_command(app, "analyze",
                  "Run the rules over an exported event log. The file is what wevtutil qe LOG /f:xml writes. Says "
                  "which faults its events point to. Exits with 2 if something could not be read.",
                  {"analyze System.xml", "analyze System.xml --rules site_rules.textproto"});
  const auto options = std::make_shared<AnalyzeOptions>();
  command.add_option("FILE", options->file, "Event elements in UTF-8 or UTF-16, with or without a root")->required();
  command.add_option("--rules", options->site_rules, "The site's own rules, beside the built-in ones")
      ->type_name("SITE_FILE");
  command.callback(
      [options, &chosen] { chosen = [options](Context& context) { return analyze_logs(context, *options); }; });
}

}  // namespace rdpmend::cli
