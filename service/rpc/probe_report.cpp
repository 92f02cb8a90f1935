#include "service/rpc/probe_report.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "agent-lib/support/printable.hpp"

namespace rdpmend {

namespace {

constexpr std::size_t k_max_name_bytes = 255;
constexpr std::size_t k_max_word_bytes = 64;
constexpr std::size_t k_max_sentence_bytes = 512;
// From the year 1 to the year 9999: what a Timestamp holds.
constexpr std::int64_t k_first_second = -62'135'596'800;
constexpr std::int64_t k_last_second = 253'402'300'799;
constexpr std::int64_t k_longest_probe_s = 3600;

bool is_time(const google::protobuf::Timestamp& time) {
  return time.seconds() >= k_first_second && time.seconds() <= k_last_second && time.nanos() >= 0 &&
         time.nanos() < 1'000'000'000;
}

bool is_elapsed(const google::protobuf::Duration& time) {
  return time.seconds() >= 0 && time.seconds() <= k_longest_probe_s && time.nanos() >= 0 &&
         time.nanos() < 1'000'000'000;
}

void bound(std::string* text, std::size_t max_bytes) {
  *text = clipped(printable(*text), max_bytes);
}

tl::unexpected<Error> no_report(std::string what) {
  return fail(ErrorCode::invalid_argument, "report: " + std::move(what), "Send the report of a probe as it was made.");
}

Status check(const v1::ProbeReport& report) {
  if (!v1::ProbeOutcome_IsValid(report.outcome()) || report.outcome() == v1::PROBE_OUTCOME_UNSPECIFIED)
    return no_report("it has no outcome");
  if (!v1::ProbeStage_IsValid(report.stage()) || report.stage() == v1::PROBE_STAGE_UNSPECIFIED)
    return no_report("it does not say how far the probe came");
  if (report.host().empty()) return no_report("it does not say which host was probed");
  if (report.port() == 0 || report.port() > 65535 || report.local_port() > 65535) return no_report("a port is wrong");
  if (!report.has_started() || !is_time(report.started()) || !is_elapsed(report.elapsed()))
    return no_report("a time is wrong");
  if (!is_time(report.certificate().not_before()) || !is_time(report.certificate().not_after()))
    return no_report("a date of the certificate is wrong");
  return {};
}

void bound_certificate(v1::ServedCertificate& certificate) {
  bound(certificate.mutable_sha1(), k_max_word_bytes);
  bound(certificate.mutable_sha256(), k_max_word_bytes);
  bound(certificate.mutable_subject(), k_max_sentence_bytes);
  bound(certificate.mutable_issuer(), k_max_sentence_bytes);
  certificate.clear_der();
}

}  // namespace

Result<v1::ProbeReport> bounded_report(v1::ProbeReport report) {
  report.DiscardUnknownFields();
  if (const auto checked = check(report); !checked) return fail(checked.error());
  bound(report.mutable_host(), k_max_name_bytes);
  bound(report.mutable_address(), k_max_word_bytes);
  bound(report.mutable_detail(), k_max_sentence_bytes);
  bound(report.mutable_meaning(), k_max_sentence_bytes);
  bound(report.mutable_tls_protocol(), k_max_word_bytes);
  bound(report.mutable_tls_cipher(), k_max_word_bytes);
  if (report.has_certificate()) bound_certificate(*report.mutable_certificate());
  return report;
}

}  // namespace rdpmend
