// The verbs of rdpmendd and their options. Parsing only chooses; what is chosen runs afterwards.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "agent-lib/support/result.hpp"

namespace rdpmend {

using Chosen = std::function<int()>;  // Returns an exit code.

// install, uninstall and service, where there is a Service Control Manager.
void add_service_verbs(CLI::App& app, Chosen& chosen);

// Tells standard error; the exit code for it.
int refuse(const Error& error);

}  // namespace rdpmend
