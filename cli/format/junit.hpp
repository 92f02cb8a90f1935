// Checks as a JUnit report, the form of test results that CI tools read: what is faulty has failed, what is unknown was
// skipped. There is no standard; the elements are those that all readers share (https://github.com/testmoapp/junitxml).
#pragma once

#include <string>

#include "rdpmend/v1/agent.pb.h"

namespace rdpmend::cli {

// UTF-8, and valid XML whatever the host says.
std::string to_junit(const v1::GetHealthResponse& health);

}  // namespace rdpmend::cli
