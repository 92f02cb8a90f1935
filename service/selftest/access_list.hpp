// Access lists, compared with what Windows ships.
#pragma once

#include <string>
#include <vector>

#include "rdpmend/v1/plan.pb.h"

namespace rdpmend {

std::string to_text(const v1::Ace& ace);
std::string to_text(const v1::FileSecurity& security);
// What of `found` is not as in `stock`, one line each; the order of the entries does not matter. Empty: nothing.
std::vector<std::string> differences(const v1::FileSecurity& stock, const v1::FileSecurity& found);

}  // namespace rdpmend
