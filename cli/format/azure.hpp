// Checks as Azure Virtual Desktop reports those of its session hosts.
#pragma once

#include "rdpmend/v1/agent.pb.h"
#include "rdpmend/v1/azure.pb.h"

namespace rdpmend::cli {

v1::AzureSessionHost to_azure(const v1::GetHealthResponse& health);

}  // namespace rdpmend::cli
