#include "service/selftest/checks.hpp"

#include "agent-lib/support/utf8.hpp"

namespace rdpmend {

Stock assumed_stock(const Registry& registry) {
  return stock_of(registry).value_or(stock_of(0));
}

void Checks::holds(const Assumption& assumption, std::string_view found) {
  add(Check::OUTCOME_AS_EXPECTED, assumption, found);
}

void Checks::differs(const Assumption& assumption, std::string_view found) {
  add(Check::OUTCOME_DIFFERENT, assumption, found);
}

void Checks::not_here(const Assumption& assumption, std::string_view found) {
  add(Check::OUTCOME_NOT_HERE, assumption, found);
}

void Checks::compare(bool as_assumed, const Assumption& assumption, std::string_view found) {
  add(as_assumed ? Check::OUTCOME_AS_EXPECTED : Check::OUTCOME_DIFFERENT, assumption, found);
}

void Checks::not_checked(const Assumption& assumption, std::string_view found) {
  add(Check::OUTCOME_NOT_CHECKED, assumption, found);
}

void Checks::failed(const Assumption& assumption, const Error& error) {
  switch (error.code) {
    case ErrorCode::unsupported: return not_here(assumption, to_string(error));
    case ErrorCode::denied: return not_checked(assumption, to_string(error));
    default: return differs(assumption, to_string(error));
  }
}

// What was found comes from the host, in whatever bytes it has; a message takes UTF-8 only.
void Checks::add(Check::Outcome outcome, const Assumption& assumption, std::string_view found) {
  auto& check = *all_.add_checks();
  check.set_area(std::string(area_));
  check.set_what(to_valid_utf8(assumption.what));
  check.set_outcome(outcome);
  check.set_expected(to_valid_utf8(assumption.expected));
  check.set_found(to_valid_utf8(found));
  check.set_source(to_valid_utf8(assumption.source));
}

}  // namespace rdpmend
