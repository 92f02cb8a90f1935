#include "agent-lib/faults/kit/evidence.hpp"

#include <fmt/format.h>

namespace rdpmend::faults {

void add_evidence(google::protobuf::RepeatedPtrField<v1::Evidence>& list, std::string_view what, std::string_view found,
                  std::string_view expected, std::string_view source) {
  auto& evidence = *list.Add();
  evidence.set_what(std::string(what));
  evidence.set_found(std::string(found));
  evidence.set_expected(std::string(expected));
  evidence.set_source(std::string(source));
}

v1::Verdict verdict(v1::Verdict::Result result, std::string summary) {
  v1::Verdict out;
  out.set_result(result);
  out.set_summary(std::move(summary));
  return out;
}

v1::Verdict ask_again(std::string summary, Duration after) {
  auto out = verdict(v1::Verdict::RESULT_NOT_KNOWN_YET, std::move(summary));
  *out.mutable_ask_again_in() = to_proto_duration(after);
  return out;
}

Duration backed_off(Duration since_last_step) {
  Duration pause = std::chrono::seconds{1};
  for (Duration waited = pause; waited <= since_last_step && pause < std::chrono::seconds{8}; waited += pause)
    pause *= 2;
  return pause;
}

std::string probe_summary(const v1::ProbeReport& report) {
  if (report.outcome() == v1::PROBE_OUTCOME_OK) {
    return fmt::format("TLS done, certificate {} until {}", report.certificate().sha1(),
                       to_iso8601(from_proto(report.certificate().not_after())));
  }
  return report.detail();
}

void add_probe_evidence(google::protobuf::RepeatedPtrField<v1::Evidence>& list, const v1::ProbeReport& report) {
  add_evidence(list, "a handshake with the host's own address, which the firewall does not filter",
               probe_summary(report), "TLS done with the registered certificate",
               fmt::format("probe {}:{}", report.host(), report.port()));
  list.rbegin()->set_passing(true);
}

}  // namespace rdpmend::faults
