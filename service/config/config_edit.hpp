// Changes one setting in a configuration file that belongs to an administrator: everything else, comments included,
// stays as it is.
#pragma once

#include <string>
#include <string_view>

#include "agent-lib/support/result.hpp"

namespace rdpmend {

// The text with rpc.listen set to `address`. invalid_argument: the text is no valid configuration, the address is none,
// or the setting is written in a way that this does not understand.
Result<std::string> with_listen_address(std::string_view textproto, const std::string& address);

}  // namespace rdpmend
