// What the values of a configuration may be: the bounds and defaults in one table, and the checks that a schema cannot
// make.
#pragma once

#include <google/protobuf/text_format.h>

#include <string>
#include <vector>

#include "agent-lib/rules/catalogue.hpp"
#include "agent-lib/support/textproto.hpp"
#include "rdpmend/v1/config.pb.h"

namespace rdpmend {

// How much of the file was understood: of a part, what is missing is not known to be missing.
enum class Parsed { all, part };

// Everything wrong with the values, at the places where `tree` remembers them.
std::vector<TextprotoError> check_values(const v1::ServiceConfig& config,
                                         const google::protobuf::TextFormat::ParseInfoTree& tree, Parsed parsed,
                                         const Catalogue& catalogue);

}  // namespace rdpmend
