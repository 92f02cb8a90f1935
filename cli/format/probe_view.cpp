#include "cli/format/probe_view.hpp"

#include <fmt/format.h>

#include <array>

#include "cli/format/words.hpp"

namespace rdpmend::cli {

namespace {

struct Rung {
  v1::ProbeStage stage;
  std::string_view name;
  std::string detail;  // What is known once it is done.
};

std::string negotiation_text(const v1::ProbeReport& report) {
  auto text = "asked for " + protocol_names(report.requested_protocols());
  if (report.has_selected_protocol()) text += "; the listener chose " + protocol_names(report.selected_protocol());
  if (report.has_failure_code()) text += "; the listener refused with " + failure_name(report.failure_code());
  return text;
}

std::string tls_text(const v1::ProbeReport& report) {
  if (report.tls_cipher().empty()) return report.tls_protocol();
  return fmt::format("{}, {}", report.tls_protocol(), report.tls_cipher());
}

// Each rung is done, failed (the first one that was not reached) or not tried.
void print_ladder(Page& page, const v1::ProbeReport& report) {
  const std::array<Rung, 4> k_rungs{{{v1::PROBE_STAGE_RESOLVED, "name", report.address()},
                                     {v1::PROBE_STAGE_CONNECTED, "TCP", fmt::format("port {}", report.port())},
                                     {v1::PROBE_STAGE_NEGOTIATED, "X.224", negotiation_text(report)},
                                     {v1::PROBE_STAGE_TLS, "TLS", tls_text(report)}}};
  bool failed = false;
  for (const auto& rung : k_rungs) {
    const bool done = report.stage() >= rung.stage;
    const bool here = !done && !failed;
    failed = failed || here;
    const auto state = done ? "done" : here ? "failed" : "not tried";
    page.hang({{fmt::format("  {:<7}", rung.name), Style::dim},
               {fmt::format("{:<11}", state), done   ? Style::good
                                              : here ? Style::bad
                                                     : Style::dim}},
              done   ? rung.detail
              : here ? word(report.outcome())
                     : "");
  }
}

std::string validity(const v1::ServedCertificate& certificate, const google::protobuf::Timestamp& now) {
  auto text = fmt::format("{} to {}", date_time(certificate.not_before()), date_time(certificate.not_after()));
  if (now.seconds() < certificate.not_before().seconds()) {
    return text + fmt::format(": not valid yet, begins in {}", span_between(now, certificate.not_before()));
  }
  if (now.seconds() > certificate.not_after().seconds()) {
    return text + fmt::format(": expired {} ago", span_between(certificate.not_after(), now));
  }
  return text + fmt::format(": {} left", span_between(now, certificate.not_after()));
}

void print_certificate(Page& page, const v1::ProbeReport& report) {
  const auto& certificate = report.certificate();
  const auto now = report.started().seconds();
  const bool valid = now >= certificate.not_before().seconds() && now <= certificate.not_after().seconds();
  page.heading("Certificate");
  page.field("subject", certificate.subject());
  page.field("issuer", certificate.issuer());
  page.field("valid", validity(certificate, report.started()), valid ? Style::plain : Style::bad);
  page.field("SHA-1", certificate.sha1());
  page.field("SHA-256", certificate.sha256());
  if (!certificate.server_authentication()) page.field("use", "not for server authentication", Style::bad);
}

}  // namespace

std::string protocol_names(std::uint32_t protocols) {
  if (protocols == 0) return "standard RDP security";
  constexpr std::array<std::pair<std::uint32_t, std::string_view>, 4> k_names{
      {{1, "TLS"}, {2, "CredSSP"}, {4, "RDSTLS"}, {8, "CredSSP-EX"}}};
  std::string text;
  for (const auto& [bit, name] : k_names) {
    if ((protocols & bit) == 0) continue;
    text += text.empty() ? "" : ", ";
    text += name;
    protocols &= ~bit;
  }
  if (protocols != 0) text += fmt::format("{}{:#x}", text.empty() ? "" : ", ", protocols);
  return text;
}

// MS-RDPBCGR 2.2.1.2.2
std::string failure_name(std::uint32_t code) {
  constexpr std::array<std::string_view, 7> k_names{"",
                                                    "SSL_REQUIRED_BY_SERVER",
                                                    "SSL_NOT_ALLOWED_BY_SERVER",
                                                    "SSL_CERT_NOT_ON_SERVER",
                                                    "INCONSISTENT_FLAGS",
                                                    "HYBRID_REQUIRED_BY_SERVER",
                                                    "SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER"};
  return code >= 1 && code < k_names.size() ? fmt::format("{} {}", code, k_names[code]) : fmt::format("{}", code);
}

Style style_of(v1::ProbeOutcome outcome) {
  if (outcome == v1::PROBE_OUTCOME_OK) return Style::good;
  return outcome == v1::PROBE_OUTCOME_CANCELLED ? Style::warn : Style::bad;
}

std::string probe_line(const v1::ProbeReport& report) {
  auto text = fmt::format("{}:{}  {} after {}", report.host(), report.port(), word(report.outcome()),
                          to_human(from_proto(report.elapsed())));
  if (!report.tls_protocol().empty()) text += ", " + report.tls_protocol();
  if (report.has_certificate()) text += ", certificate until " + date(report.certificate().not_after());
  return text;
}

std::string outside_probe_line(const v1::OutsideProbe& probe, const google::protobuf::Timestamp& now) {
  return fmt::format("{}, by {} from {}, {}", probe_line(probe.report()), probe.client(), probe.peer(),
                     ago(probe.received(), now));
}

void print_probe(Page& page, const v1::ProbeReport& report) {
  page.hang({{fmt::format("{}:{}  ", report.host(), report.port()), Style::bold},
             {word(report.outcome()), style_of(report.outcome())}},
            fmt::format(" after {}", to_human(from_proto(report.elapsed()))));
  page.blank();
  print_ladder(page, report);
  if (report.has_certificate()) print_certificate(page, report);
  page.blank();
  page.text(report.detail());
  page.text(report.meaning());
}

}  // namespace rdpmend::cli
