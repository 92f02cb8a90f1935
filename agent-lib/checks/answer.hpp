// What a check says: what it has seen, line by line, and in the end its answer.
#pragma once

#include <string>
#include <string_view>

#include "rdpmend/v1/check.pb.h"

namespace rdpmend::checks {

class Answer {
 public:
  Answer& saw(std::string_view what, std::string_view found, std::string_view expected, std::string_view source);
  // Something else is wrong, too: the first one said is the summary.
  Answer& complains(std::string what);
  bool has_complaints() const { return !complaint_.empty(); }

  v1::Check healthy(std::string found);
  // As complained of.
  v1::Check faulty();
  v1::Check faulty(std::string found) { return complains(std::move(found)).faulty(); }
  v1::Check unknown(std::string why);
  // Nothing failed: this host has nothing that would tell. `why` says who could.
  v1::Check out_of_sight(std::string why);

 private:
  v1::Check end(v1::Check::Answer answer, std::string summary);

  v1::Check check_;
  std::string complaint_;
};

}  // namespace rdpmend::checks
