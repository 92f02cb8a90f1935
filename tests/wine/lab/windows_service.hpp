// The skeleton of the laboratory's services, and what they ask the service control manager.
// https://learn.microsoft.com/windows/win32/services/service-programs
#pragma once

#include <windows.h>

#include <functional>
#include <string>

namespace rdpmend::lab {

// Runs `body` as the service's work until the event that it is given is set. The process's exit code.
int run_service(const std::wstring& name, std::function<void(HANDLE stop)> body);

bool service_is_disabled(const std::wstring& name);
void ask_to_start(const std::wstring& name);  // Does not wait.

}  // namespace rdpmend::lab
