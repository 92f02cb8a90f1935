// The service's command line in the Service Control Manager's database. Windows only.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace rdpmend {

// "PROGRAM" service --state "FOLDER". An absent folder: the default one.
std::wstring service_command_line(const std::wstring& program, const std::optional<std::filesystem::path>& state);

// The state folder in a command line as above; absent where it names none.
std::optional<std::filesystem::path> state_in(const std::wstring& command_line);

}  // namespace rdpmend
