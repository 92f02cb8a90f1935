#include "agent-lib/record/loan_book.hpp"

namespace rdpmend {

void LoanBook::apply(const v1::JournalEntry& entry) {
  const auto change = [this](std::uint64_t id, const auto& what) {
    if (const auto found = running_.find(id); found != running_.end()) what(found->second);
  };
  switch (entry.body_case()) {
    case v1::JournalEntry::kCheckpoint: return load(entry.checkpoint());
    case v1::JournalEntry::kLoanBegun: {
      auto& loan = running_[entry.seq()];
      loan = entry.loan_begun().loan();
      loan.set_id(entry.seq());
      return;
    }
    case v1::JournalEntry::kLoanRescheduled: {
      const auto& body = entry.loan_rescheduled();
      return change(body.loan_id(), [&](v1::Loan& loan) {
        *loan.mutable_ends() = body.ends();
        *loan.mutable_ends_at_uptime() = body.ends_at_uptime();
        loan.set_asked_by(body.asked_by());
        loan.set_why(body.why());
        loan.clear_trouble();
      });
    }
    case v1::JournalEntry::kLoanOverdue:
      return change(entry.loan_overdue().loan_id(),
                    [&](v1::Loan& loan) { loan.set_trouble(entry.loan_overdue().error()); });
    case v1::JournalEntry::kLoanEnded: running_.erase(entry.loan_ended().loan_id()); return;
    default: return;
  }
}

std::vector<v1::Loan> LoanBook::running() const {
  std::vector<v1::Loan> loans;
  for (const auto& [id, loan] : running_) loans.push_back(loan);
  return loans;
}

void LoanBook::load(const v1::Checkpoint& checkpoint) {
  running_.clear();
  for (const auto& loan : checkpoint.loans()) running_[loan.id()] = loan;
}

}  // namespace rdpmend
