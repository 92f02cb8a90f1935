#include "cli/format/loan_view.hpp"

#include <fmt/format.h>

#include "cli/format/words.hpp"

namespace rdpmend::cli {

namespace {

std::string end_of(const v1::Loan& loan, const google::protobuf::Timestamp& now) {
  const bool over = loan.ends().seconds() <= now.seconds();
  return fmt::format("{} ({})", date_time(loan.ends()), over ? "over" : span_between(now, loan.ends()));
}

}  // namespace

std::string loan_line(const v1::Loan& loan, const google::protobuf::Timestamp& now) {
  return fmt::format("{} until {}, by {}: {}", to_string(loan.kind()), end_of(loan, now), loan.asked_by(), loan.why());
}

void print_loans(Page& page, const google::protobuf::RepeatedPtrField<v1::Loan>& loans,
                 const google::protobuf::Timestamp& now) {
  if (loans.empty()) return page.text("Nothing is relaxed.");
  for (const auto& loan : loans) {
    page.hang({{to_string(loan.kind()) + "  ", Style::bold}}, loan.step().description());
    page.field("ends", end_of(loan, now), Style::warn);
    page.field("begun", date_time(loan.begun()));
    page.field("by", loan.asked_by());
    page.field("why", loan.why());
    page.field("overdue", loan.trouble(), Style::bad);
    page.field("end it", fmt::format("rdpmend return {}", to_string(loan.kind())));
  }
}

}  // namespace rdpmend::cli
