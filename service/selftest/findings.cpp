#include "service/selftest/findings.hpp"

#include <iterator>

namespace rdpmend {

std::string_view to_string(Finding::Outcome outcome) {
  switch (outcome) {
    case Finding::Outcome::holds: return "holds";
    case Finding::Outcome::differs: return "differs";
    case Finding::Outcome::not_here: return "not here";
    case Finding::Outcome::not_checked: return "not checked";
  }
  return "?";
}

Stock assumed_stock(const Registry& registry) {
  return stock_of(registry).value_or(stock_of(0));
}

void Findings::holds(const Assumption& assumption, std::string found) {
  add(Finding::Outcome::holds, assumption, std::move(found));
}

void Findings::differs(const Assumption& assumption, std::string found) {
  add(Finding::Outcome::differs, assumption, std::move(found));
}

void Findings::not_here(const Assumption& assumption, std::string found) {
  add(Finding::Outcome::not_here, assumption, std::move(found));
}

void Findings::compare(bool as_assumed, const Assumption& assumption, std::string found) {
  add(as_assumed ? Finding::Outcome::holds : Finding::Outcome::differs, assumption, std::move(found));
}

void Findings::not_checked(const Assumption& assumption, std::string found) {
  add(Finding::Outcome::not_checked, assumption, std::move(found));
}

void Findings::failed(const Assumption& assumption, const Error& error) {
  switch (error.code) {
    case ErrorCode::unsupported: return not_here(assumption, to_string(error));
    case ErrorCode::denied: return not_checked(assumption, to_string(error));
    default: return differs(assumption, to_string(error));
  }
}

void Findings::add(Finding::Outcome outcome, const Assumption& assumption, std::string found) {
  findings_.push_back({area_, assumption.what, outcome, assumption.expected, std::move(found), assumption.source});
}

void append(std::vector<Finding>& all, Findings area) {
  auto found = area.take();
  all.insert(all.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
}

}  // namespace rdpmend
