#include "cli/format/azure.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace rdpmend::cli {

namespace {

// Where a check of Azure's asks the same of its own parts: the listener, what secures the connection, the agent. Else
// ours, with the ending that theirs have.
// https://learn.microsoft.com/dotnet/api/azure.resourcemanager.desktopvirtualization.models.sessionhosthealthcheckname
std::string azure_name(const v1::Check& check) {
  switch (check.stage()) {
    case v1::STAGE_LISTENER: return "SxSStackListenerCheck";
    case v1::STAGE_TLS: return "SupportedEncryptionCheck";
    case v1::STAGE_AGENT: return "MonitoringAgentCheck";
    default: break;
  }
  auto name = check.name() + "Check";
  if (name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return name;
}

// https://learn.microsoft.com/dotnet/api/azure.resourcemanager.desktopvirtualization.models.sessionhosthealthcheckresult
std::string azure_result(v1::Check::Answer answer) {
  switch (answer) {
    case v1::Check::ANSWER_HEALTHY: return "HealthCheckSucceeded";
    case v1::Check::ANSWER_FAULTY: return "HealthCheckFailed";
    default: return "Unknown";
  }
}

// https://learn.microsoft.com/azure/virtual-desktop/troubleshoot-statuses-checks
std::string azure_status(const v1::GetHealthResponse& health) {
  const bool fatal = std::any_of(health.checks().begin(), health.checks().end(), [](const v1::Check& check) {
    return check.fatal() && check.answer() == v1::Check::ANSWER_FAULTY;
  });
  if (fatal) return "Unavailable";
  return health.answer() == v1::Check::ANSWER_HEALTHY ? "Available" : "NeedsAssistance";
}

}  // namespace

v1::AzureSessionHost to_azure(const v1::GetHealthResponse& health) {
  v1::AzureSessionHost host;
  host.set_name(health.host_name());
  auto& properties = *host.mutable_properties();
  properties.set_status(azure_status(health));
  *properties.mutable_last_heart_beat() = health.looked_at();
  for (const auto& check : health.checks()) {
    auto& report = *properties.add_session_host_health_check_results();
    report.set_health_check_name(azure_name(check));
    report.set_health_check_result(azure_result(check.answer()));
    auto& details = *report.mutable_additional_failure_details();
    details.set_message(check.summary());
    details.set_error_code(check.answer() == v1::Check::ANSWER_FAULTY ? 1 : 0);
    *details.mutable_last_health_check_date_time() = check.looked_at();
  }
  return host;
}

}  // namespace rdpmend::cli
