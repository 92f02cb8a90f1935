// The loan book: what the journal implies of loans, also from a checkpoint on.
#include "agent-lib/record/loan_book.hpp"

#include <gmock/gmock.h>

namespace rdpmend {
namespace {

using testing::IsEmpty;

v1::JournalEntry entry(std::uint64_t seq) {
  v1::JournalEntry entry;
  entry.set_seq(seq);
  return entry;
}

v1::JournalEntry begun(std::uint64_t seq) {
  auto made = entry(seq);
  auto& loan = *made.mutable_loan_begun()->mutable_loan();
  loan.set_kind(v1::Loan::KIND_NLA);
  loan.set_boot_id("boot 1");
  loan.mutable_ends()->set_seconds(100);
  loan.set_why("first");
  return made;
}

TEST(LoanBook, ALoanHasTheNumberOfTheEntryThatBeganIt) {
  LoanBook book;
  book.apply(begun(7));
  ASSERT_EQ(book.running().size(), 1u);
  EXPECT_EQ(book.running()[0].id(), 7u);
  EXPECT_EQ(book.running()[0].boot_id(), "boot 1");
}

TEST(LoanBook, AnOrderMovesTheEndAndEndsItsTrouble) {
  LoanBook book;
  book.apply(begun(7));
  auto overdue = entry(8);
  overdue.mutable_loan_overdue()->set_loan_id(7);
  overdue.mutable_loan_overdue()->set_error("access is denied");
  book.apply(overdue);
  EXPECT_EQ(book.running()[0].trouble(), "access is denied");
  auto moved = entry(9);
  auto& body = *moved.mutable_loan_rescheduled();
  body.set_loan_id(7);
  body.mutable_ends()->set_seconds(200);
  body.set_why("second");
  book.apply(moved);
  EXPECT_EQ(book.running()[0].ends().seconds(), 200);
  EXPECT_EQ(book.running()[0].why(), "second");
  EXPECT_EQ(book.running()[0].trouble(), "");
}

TEST(LoanBook, WhatHasEndedIsNotThereAndWhatIsUnknownIsIgnored) {
  LoanBook book;
  book.apply(begun(7));
  auto ended = entry(8);
  ended.mutable_loan_ended()->set_loan_id(6);
  book.apply(ended);
  EXPECT_EQ(book.running().size(), 1u);
  ended.mutable_loan_ended()->set_loan_id(7);
  book.apply(ended);
  EXPECT_THAT(book.running(), IsEmpty());
  auto overdue = entry(9);
  overdue.mutable_loan_overdue()->set_loan_id(7);
  book.apply(overdue);
  EXPECT_THAT(book.running(), IsEmpty());
}

TEST(LoanBook, ACheckpointHoldsTheRunningOnes) {
  LoanBook book;
  book.apply(begun(3));
  auto checkpoint = entry(9);
  auto loan = begun(7).loan_begun().loan();
  loan.set_id(7);
  *checkpoint.mutable_checkpoint()->add_loans() = loan;
  book.apply(checkpoint);
  ASSERT_EQ(book.running().size(), 1u);
  EXPECT_EQ(book.running()[0].id(), 7u);
}

}  // namespace
}  // namespace rdpmend
