#include "cli/format/explanation_view.hpp"

#include <fmt/format.h>

#include "cli/format/words.hpp"

namespace rdpmend::cli {

namespace {

std::string name_of(const v1::Explanation& explanation) {
  auto name = fmt::format("{:#x}", explanation.code());
  if (explanation.has_extended()) name += fmt::format(" {:#x}", explanation.extended());
  return name;
}

// "0x904 = 2308  disconnectReasonAtClientWinsockFDCLOSE: socket closed"
void print_number(Page& page, std::string_view what, std::uint32_t code, const std::string& symbol,
                  const v1::CodeMeaning& meaning) {
  auto text = code < 10 ? fmt::format("{:#x}", code) : fmt::format("{:#x} = {}", code, code);
  if (!symbol.empty()) text += "  " + symbol;
  if (!meaning.title().empty()) text += ": " + meaning.title();
  page.field(what, text);
}

void print_numbers(Page& page, const v1::Explanation& explanation) {
  const auto& reason = explanation.reason();
  const auto& extended = explanation.extended_reason();
  print_number(page, "code", explanation.code(), reason.symbol(), reason.meaning());
  if (explanation.has_extended()) {
    print_number(page, "extended", explanation.extended(), extended.symbol(), extended.meaning());
  }
  if (explanation.meaning().stage() != v1::STAGE_UNSPECIFIED) page.field("stage", word(explanation.meaning().stage()));
}

void print_causes(Page& page, const v1::CodeMeaning& meaning) {
  if (!meaning.causes().empty()) page.heading("Causes, the likeliest first");
  int rank = 0;
  for (const auto& cause : meaning.causes()) {
    page.hang({{fmt::format("  {}. ", ++rank)}}, cause.title());
    page.text(cause.why(), 5);
    if (!cause.fault().empty()) page.text("rdpmend detects it as " + cause.fault(), 5, Style::dim);
  }
}

}  // namespace

void print_explanation(Page& page, const v1::Explanation& explanation) {
  const auto& meaning = explanation.meaning();
  page.hang({{name_of(explanation) + "  ", Style::bold}}, meaning.title());
  page.blank();
  print_numbers(page, explanation);
  page.heading("What it says");
  page.text(meaning.says(), 2);
  if (!meaning.does_not_say().empty()) page.heading("What it does not say");
  page.text(meaning.does_not_say(), 2);
  print_causes(page, meaning);
  if (!meaning.look_at().empty()) page.heading("Look at");
  for (const auto& where : meaning.look_at()) page.hang({{"  - "}}, where);
  if (!explanation.sources().empty()) page.heading("Sources");
  for (const auto& source : explanation.sources())
    page.hang({{"  - "}}, source.title() + ": " + source.url(), Style::dim);
}

}  // namespace rdpmend::cli
