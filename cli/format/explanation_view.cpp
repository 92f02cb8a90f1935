#include "cli/format/explanation_view.hpp"

#include <fmt/format.h>

#include <cstdint>

#include "cli/format/words.hpp"

namespace rdpmend::cli {

namespace {

std::string name_of(const v1::Explanation& explanation) {
  if (explanation.event_text()) return fmt::format("%%{}", explanation.code());
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

std::string_view kind_of(const v1::StatusCode& status) {
  switch (status.kind()) {
    case v1::StatusCode::KIND_NTSTATUS: return "NTSTATUS";
    case v1::StatusCode::KIND_HRESULT: return "HRESULT";
    case v1::StatusCode::KIND_WIN32: return "Win32";
    case v1::StatusCode::KIND_AUDIT_TEXT: return "text of the security log";
    default: return "status";
  }
}

// "Win32 1326  ERROR_LOGON_FAILURE: The user name or password is incorrect". Of a wrapped number, what is in it.
void print_status(Page& page, const v1::StatusCode& status) {
  const bool small = status.code() <= 0xFFFF;
  auto text =
      small ? fmt::format("{} {}", kind_of(status), status.code())
            : fmt::format("{} {:#010x} = {}", kind_of(status), status.code(), static_cast<std::int32_t>(status.code()));
  if (!status.symbol().empty()) text += "  " + status.symbol();
  page.field("status", text + ": " + status.title());
}

void print_numbers(Page& page, const v1::Explanation& explanation) {
  const auto& reason = explanation.reason();
  const auto& extended = explanation.extended_reason();
  const bool only_status = explanation.has_status() && !explanation.has_reason() && !explanation.has_extended();
  if (explanation.has_status()) print_status(page, explanation.status());
  if (only_status || explanation.event_text()) return;
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
  if (explanation.has_status()) {
    page.heading("Seen in");
    for (const auto& event : explanation.status().seen_in()) page.hang({{"  - "}}, event);
  }
  if (!explanation.sources().empty()) page.heading("Sources");
  for (const auto& source : explanation.sources())
    page.hang({{"  - "}}, source.title() + ": " + source.url(), Style::dim);
}

}  // namespace rdpmend::cli
