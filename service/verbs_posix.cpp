// No Service Control Manager here: on Linux rdpmendd rehearses.
#include "service/verbs.hpp"

namespace rdpmend {

void add_service_verbs(CLI::App&, Chosen&) {}

}  // namespace rdpmend
