// Where the program's log goes: the console and a rotating file, by Boost.Log, whose headers stay in the .cpp.
#pragma once

#include <filesystem>
#include <optional>

#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/config.pb.h"

namespace rdpmend {

enum class ConsoleLog { none, standard_error };

// Makes agent-lib/support/log.hpp write to the console and to FOLDER/rdpmendd.log. `config` with defaults filled in.
// Call before threads start; once until stop_logging.
Status start_logging(const v1::LogConfig& config, ConsoleLog console,
                     const std::optional<std::filesystem::path>& folder);

// Flushes and closes. Later lines go nowhere.
void stop_logging();

}  // namespace rdpmend
