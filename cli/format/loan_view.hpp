// What is lent: a change of the host that ends by itself.
#pragma once

#include "cli/format/page.hpp"
#include "rdpmend/v1/agent.pb.h"

namespace rdpmend::cli {

// "nla until 2026-03-01 13:01:00 UTC (59 min), by anna: ticket 7", at that time of the host.
std::string loan_line(const v1::Loan& loan, const google::protobuf::Timestamp& now);
// Whole, one below the other.
void print_loans(Page& page, const google::protobuf::RepeatedPtrField<v1::Loan>& loans,
                 const google::protobuf::Timestamp& now);

}  // namespace rdpmend::cli
