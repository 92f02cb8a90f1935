// packaging/config/rdpmend.textproto, compiled in: every setting with its default, as comments.
#pragma once

#include <string_view>

namespace rdpmend {

std::string_view config_template();

}  // namespace rdpmend
