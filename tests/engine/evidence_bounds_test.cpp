#include <gtest/gtest.h>

#include "agent-lib/engine/detection.hpp"

namespace rdpmend {
namespace {

TEST(BoundEvidence, KeepsTheFirstAndSaysHowManyMore) {
  v1::Diagnosis diagnosis;
  for (int i = 0; i < 10'000; ++i) diagnosis.add_evidence()->set_what("rule " + std::to_string(i));
  bound_evidence(*diagnosis.mutable_evidence());
  ASSERT_EQ(diagnosis.evidence_size(), k_max_evidence + 1);
  EXPECT_EQ(diagnosis.evidence(0).what(), "rule 0");
  EXPECT_EQ(diagnosis.evidence(k_max_evidence).found(), "9950 more");
}

TEST(BoundEvidence, ClipsLongTexts) {
  v1::Diagnosis diagnosis;
  diagnosis.add_evidence()->set_found(std::string(100'000, 'x'));
  bound_evidence(*diagnosis.mutable_evidence());
  EXPECT_EQ(diagnosis.evidence_size(), 1);
  EXPECT_EQ(diagnosis.evidence(0).found().size(), k_max_evidence_bytes);
}

}  // namespace
}  // namespace rdpmend
