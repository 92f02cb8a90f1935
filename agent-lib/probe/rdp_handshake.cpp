// The ladder: name, TCP, X.224, TLS, and then it stops. CredSSP is never started: that needs credentials, raises failed
// sign-ins in the host's log, and proves little more.
#include "agent-lib/probe/rdp_handshake.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include "agent-lib/probe/meaning.hpp"
#include "agent-lib/probe/name_lookup.hpp"
#include "agent-lib/probe/timed_socket.hpp"
#include "agent-lib/probe/tls_client.hpp"
#include "agent-lib/probe/x224.hpp"
#include "agent-lib/support/utf8.hpp"

namespace rdpmend {

namespace {

using asio::ip::tcp;
using Clock = TimedSocket::Clock;
using Code = TimedSocket::Code;

// Beyond this nobody waits for one handshake; it also keeps the arithmetic on time points from overflowing.
constexpr Duration k_max_deadline = std::chrono::minutes{10};

class Ladder {
 public:
  Ladder(v1::ProbeReport& report, Clock::time_point deadline, std::stop_token stop)
      : report_{report}, deadline_{deadline}, stop_{stop}, wire_{std::move(stop)} {}

  // What the last rung said when it failed; empty when it did not.
  std::string climb() {
    report_.set_stage(v1::PROBE_STAGE_NONE);
    if (resolve() && connect() && negotiate()) secure();
    return std::move(cause_);
  }

 private:
  bool end(v1::ProbeOutcome outcome, std::string cause) {
    report_.set_outcome(outcome);
    cause_ = std::move(cause);
    return false;
  }

  bool resolve() {
    auto found = look_up(report_.host(), static_cast<std::uint16_t>(report_.port()), deadline_, stop_);
    if (!found) {
      const bool stopped = found.error().code == ErrorCode::cancelled;
      return end(stopped ? v1::PROBE_OUTCOME_CANCELLED : v1::PROBE_OUTCOME_NAME_UNKNOWN, found.error().what);
    }
    endpoints_ = std::move(*found);
    report_.set_stage(v1::PROBE_STAGE_RESOLVED);
    return true;
  }

  bool connect() {
    for (std::size_t i = 0; i < endpoints_.size(); ++i) {
      // Each address gets its share of what is left, so that one that is filtered does not use up the others' time.
      const auto now = Clock::now();
      const auto share = std::max(Clock::duration::zero(), deadline_ - now) / static_cast<int>(endpoints_.size() - i);
      const auto error = connect_to(endpoints_[i], now + share);
      if (!error) return true;
      if (error == asio::error::operation_aborted) return end(v1::PROBE_OUTCOME_CANCELLED, {});
      if (error == asio::error::connection_reset) return end_before_confirm(error, 0);
      note_failed_connect(endpoints_[i], error);
    }
    return false;
  }

  Code connect_to(const tcp::endpoint& endpoint, Clock::time_point limit) {
    wire_.close();
    const auto error =
        wire_.run(limit, [&](auto handler) { wire_.socket().async_connect(endpoint, std::move(handler)); });
    // A reset that comes before connect() is back: the listener had accepted, or this would be "refused".
    if (error && error != asio::error::connection_reset) return error;
    Code unknown;
    report_.set_address(endpoint.address().to_string());
    report_.set_local_port(wire_.socket().local_endpoint(unknown).port());
    report_.set_stage(v1::PROBE_STAGE_CONNECTED);
    return error;
  }

  // The last failure is reported, but "no route" (as for IPv6 on a machine without it) never hides one that says more.
  void note_failed_connect(const tcp::endpoint& endpoint, const Code& error) {
    auto outcome = v1::PROBE_OUTCOME_UNREACHABLE;
    if (error == asio::error::connection_refused) outcome = v1::PROBE_OUTCOME_REFUSED;
    if (error == asio::error::timed_out) outcome = v1::PROBE_OUTCOME_CONNECT_TIMEOUT;
    if (outcome == v1::PROBE_OUTCOME_UNREACHABLE && report_.outcome() != v1::PROBE_OUTCOME_UNSPECIFIED) return;
    report_.set_address(endpoint.address().to_string());
    end(outcome, error.message());
  }

  bool negotiate() {
    const auto request = x224::encode_request(report_.requested_protocols());
    const auto error = wire_.run(
        deadline_, [&](auto handler) { asio::async_write(wire_.socket(), asio::buffer(request), std::move(handler)); });
    if (error) return end_before_confirm(error, 0);

    std::array<std::uint8_t, x224::k_max_reply_bytes> buffer{};
    std::size_t size = 0;
    for (;;) {
      const auto reply = x224::decode_reply(std::span{buffer}.first(size));
      if (const auto* malformed = std::get_if<x224::Malformed>(&reply))
        return end(v1::PROBE_OUTCOME_NOT_RDP, malformed->reason);
      if (const auto* confirm = std::get_if<x224::Confirm>(&reply)) return judge(*confirm);
      // Never more than the confirm itself: what follows it belongs to TLS.
      const auto rest = asio::buffer(buffer.data() + size, std::get<x224::NeedMore>(reply).total - size);
      if (const auto broken = read_some(rest, size)) return end_before_confirm(broken, size);
    }
  }

  Code read_some(asio::mutable_buffer into, std::size_t& size) {
    return wire_.run(deadline_, [&](auto handler) {
      wire_.socket().async_read_some(into, [&size, handler](const Code& code, std::size_t count) {
        size += count;
        handler(code);
      });
    });
  }

  bool end_before_confirm(const Code& error, std::size_t received) {
    if (error == asio::error::operation_aborted) return end(v1::PROBE_OUTCOME_CANCELLED, {});
    const auto cause =
        received == 0 ? error.message() : error.message() + " after " + std::to_string(received) + " bytes";
    return end(error == asio::error::timed_out ? v1::PROBE_OUTCOME_SILENT : v1::PROBE_OUTCOME_CLOSED_BEFORE_CONFIRM,
               cause);
  }

  bool judge(const x224::Confirm& confirm) {
    if (confirm.selected_protocol) report_.set_selected_protocol(*confirm.selected_protocol);
    const auto selected = confirm.selected_protocol.value_or(rdp_protocol::k_rdp);
    if ((selected & ~report_.requested_protocols()) != 0)
      return end(v1::PROBE_OUTCOME_NOT_RDP, "it chose a protocol that it was not offered");
    report_.set_stage(v1::PROBE_STAGE_NEGOTIATED);
    if (confirm.failure_code) {
      report_.set_failure_code(*confirm.failure_code);
      return end(v1::PROBE_OUTCOME_NEGOTIATION_FAILURE, {});
    }
    if (selected == rdp_protocol::k_rdp) return end(v1::PROBE_OUTCOME_STANDARD_RDP_SECURITY, {});
    return true;
  }

  void secure() {
    auto context = make_probe_tls_context();
    TlsStream stream{wire_.socket(), context};
    set_server_name(stream, report_.host());
    const auto error = wire_.run(
        deadline_, [&](auto handler) { stream.async_handshake(asio::ssl::stream_base::client, std::move(handler)); });
    describe_tls(stream, report_);
    if (!error) {
      report_.set_stage(v1::PROBE_STAGE_TLS);
      end(v1::PROBE_OUTCOME_OK, {});
    } else if (error == asio::error::operation_aborted) {
      end(v1::PROBE_OUTCOME_CANCELLED, {});
    } else if (error == asio::error::timed_out) {
      end(v1::PROBE_OUTCOME_TLS_TIMEOUT, error.message());
    } else {
      auto failure = classify_tls_error(error);
      end(failure.outcome, std::move(failure.cause));
    }
  }

  v1::ProbeReport& report_;
  Clock::time_point deadline_;
  std::stop_token stop_;
  TimedSocket wire_;
  std::vector<tcp::endpoint> endpoints_;
  std::string cause_;
};

}  // namespace

v1::ProbeReport probe_rdp(const ProbeTarget& target, const ProbeOptions& options, std::stop_token stop) {
  const auto begun = Clock::now();
  v1::ProbeReport report;
  report.set_host(target.host);
  report.set_port(target.port);
  report.set_requested_protocols(options.requested_protocols);
  *report.mutable_started() = to_proto(std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()));

  std::string cause;
  try {
    const auto deadline = begun + std::chrono::duration_cast<Clock::duration>(
                                      std::clamp(options.deadline, Duration::zero(), k_max_deadline));
    cause = Ladder{report, deadline, std::move(stop)}.climb();
  } catch (const std::exception& error) {
    report.set_outcome(v1::PROBE_OUTCOME_UNSPECIFIED);
    cause = error.what();
  }
  *report.mutable_elapsed() = to_proto_duration(Clock::now() - begun);
  report.set_detail(to_valid_utf8(detail_of(report, cause)));
  report.set_meaning(meaning_of(report));
  return report;
}

}  // namespace rdpmend
