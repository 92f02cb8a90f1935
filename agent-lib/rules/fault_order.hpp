// What masks comes before what it masks: the order in which faults are looked for.
#pragma once

#include <vector>

#include "rdpmend/v1/catalog.pb.h"

namespace rdpmend {

// Otherwise the given order is kept. Faults that mask each other come last, as given.
std::vector<v1::FaultInfo> masks_first(std::vector<v1::FaultInfo> faults);

}  // namespace rdpmend
