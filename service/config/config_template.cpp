#include "service/config/config_template.hpp"

#include <vector>

namespace rdpmend {

namespace embedded {
const std::vector<std::string_view>& config_templates();  // Made while building; see packaging/cmake/embed_files.cmake.
}

std::string_view config_template() {
  return embedded::config_templates().front();
}

}  // namespace rdpmend
