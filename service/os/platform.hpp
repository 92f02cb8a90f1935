// What a process asks its operating system about itself and the machine.
#pragma once

#include <filesystem>
#include <string>

namespace rdpmend {

// Where the service keeps its state unless told otherwise. Not from an environment variable: those belong to the user
// who runs an installation as administrator, or to whoever wrote to that user's registry.
std::filesystem::path default_state_folder();

std::string machine_name();

// Ends the process at once, whatever its threads hang in.
[[noreturn]] void end_process_now(int exit_code);

// A terminal shows UTF-8 and colours from here on, as far as it can.
void prepare_terminal();

}  // namespace rdpmend
