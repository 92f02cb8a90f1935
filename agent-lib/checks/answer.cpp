#include "agent-lib/checks/answer.hpp"

#include <utility>

#include "agent-lib/faults/kit/evidence.hpp"

namespace rdpmend::checks {

Answer& Answer::saw(std::string_view what, std::string_view found, std::string_view expected, std::string_view source) {
  faults::add_evidence(*check_.mutable_evidence(), what, found, expected, source);
  return *this;
}

Answer& Answer::complains(std::string what) {
  if (complaint_.empty()) complaint_ = std::move(what);
  return *this;
}

v1::Check Answer::end(v1::Check::Answer answer, std::string summary) {
  check_.set_answer(answer);
  check_.set_summary(std::move(summary));
  return std::move(check_);
}

v1::Check Answer::healthy(std::string found) {
  return end(v1::Check::ANSWER_HEALTHY, std::move(found));
}
v1::Check Answer::faulty() {
  return end(v1::Check::ANSWER_FAULTY, std::move(complaint_));
}
v1::Check Answer::unknown(std::string why) {
  return end(v1::Check::ANSWER_UNKNOWN, std::move(why));
}
v1::Check Answer::out_of_sight(std::string why) {
  check_.set_out_of_sight(true);
  return end(v1::Check::ANSWER_UNKNOWN, std::move(why));
}

}  // namespace rdpmend::checks
