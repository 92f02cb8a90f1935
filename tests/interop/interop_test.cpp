// What real RDP servers answer, so that the probe does not only agree with servers that we wrote ourselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>

#include "agent-lib/probe/rdp_handshake.hpp"
#include "agent-lib/support/asio.hpp"
#include "agent-lib/support/openssl.hpp"
#include "tests/interop/process.hpp"
#include "tests/probe/test_certificate.hpp"

namespace rdpmend::test {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr auto k_patience = 20s;

// Nothing keeps the port until the server has it, hence the attempts below.
std::uint16_t free_port() {
  asio::io_context io;
  const tcp::acceptor acceptor{io, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
  return acceptor.local_endpoint().port();
}

bool accepts(std::uint16_t port) {
  asio::io_context io;
  tcp::socket socket{io};
  boost::system::error_code error;
  socket.connect({asio::ip::address_v4::loopback(), port}, error);
  return !error;
}

bool wait_until(const std::function<bool()>& condition, const std::function<bool()>& hopeless) {
  for (const auto deadline = Clock::now() + k_patience; Clock::now() < deadline; std::this_thread::sleep_for(20ms)) {
    if (condition()) return true;
    if (hopeless()) return false;
  }
  return false;
}

struct RunningServer {
  std::unique_ptr<Process> process;
  std::uint16_t port = 0;
};

// Starts the server that `command` describes for a port, and waits until it accepts connections there.
RunningServer start_server(const std::function<Command(std::uint16_t)>& command) {
  constexpr int k_attempts = 3;
  for (int attempt = 0; attempt < k_attempts; ++attempt) {
    const auto port = free_port();
    auto process = std::make_unique<Process>(command(port));
    if (wait_until([&] { return accepts(port); }, [&] { return !process->running(); }))
      return {std::move(process), port};
  }
  return {};
}

// The last line, if it is complete and a number; else empty.
std::string last_number_line(std::string text) {
  if (!text.ends_with('\n')) return {};
  text.pop_back();
  const auto line = text.substr(text.rfind('\n') + 1);
  return line.find_first_not_of("0123456789") == std::string::npos ? line : "";
}

v1::ProbeReport probe(std::uint16_t port, std::uint32_t protocols) {
  return probe_rdp({"127.0.0.1", port}, {k_patience, protocols});
}

// Skips, or in CI fails, where a program is missing.
class Interop : public testing::Test {
 protected:
  void need(const std::string& program, const std::string& package) {
    if (!find_program(program).empty()) return;
    const char* ci = std::getenv("CI");
    if (ci != nullptr && std::string{ci} == "true")
      FAIL() << program << " is not installed: apt-get install " << package;
    GTEST_SKIP() << program << " is not installed: apt-get install " << package;
  }
  static bool cannot_go_on() { return HasFatalFailure() || IsSkipped(); }

  TemporaryFolder folder_;
};

class Xrdp : public Interop {
 protected:
  void SetUp() override {
    need("xrdp", "xrdp");
    if (cannot_go_on()) return;
    folder_.write("cert.pem", certificate_.certificate_pem);
    folder_.write("key.pem", certificate_.key_pem);
    server_ = start_server([&](std::uint16_t port) { return command(port); });
    ASSERT_TRUE(server_.process) << read_file(folder_.path() / "output") << read_file(folder_.path() / "xrdp.log");
  }

  Command command(std::uint16_t port) const {
    const auto folder = folder_.path().string();
    const auto ini = folder_.write(
        "xrdp.ini", "[Globals]\nini_version=1\nfork=true\nport=tcp://127.0.0.1:" + std::to_string(port) +
                        "\nsecurity_layer=negotiate\ncrypt_level=high\ncertificate=" + folder + "/cert.pem\nkey_file=" +
                        folder + "/key.pem\nssl_protocols=TLSv1.2, TLSv1.3\nautorun=\n[Logging]\nLogFile=" + folder +
                        "/xrdp.log\nLogLevel=INFO\nEnableSyslog=false\n");
    return {find_program("xrdp"), {"--nodaemon", "--config", ini.string()}, {}, folder_.path() / "output"};
  }

  TestCertificate certificate_ = make_certificate({.common_name = "xrdp.example"});
  RunningServer server_;
};

TEST_F(Xrdp, ChoosesTlsAndServesTheCertificateThatItWasGiven) {
  const auto report = probe(server_.port, 0x0B);
  ASSERT_EQ(report.outcome(), v1::PROBE_OUTCOME_OK) << report.detail();
  EXPECT_EQ(report.selected_protocol(), rdp_protocol::k_tls);
  EXPECT_EQ(report.tls_protocol(), "TLSv1.3");
  EXPECT_EQ(report.certificate().sha1(), certificate_.sha1);
  EXPECT_EQ(report.certificate().sha256(), certificate_.sha256);
  EXPECT_EQ(report.certificate().subject(), "CN=xrdp.example");
}

TEST_F(Xrdp, AnswersARequestWithoutTlsWithStandardSecurity) {
  const auto report = probe(server_.port, rdp_protocol::k_rdp);
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_STANDARD_RDP_SECURITY) << report.detail();
  EXPECT_EQ(report.stage(), v1::PROBE_STAGE_NEGOTIATED);
}

// FreeRDP's shadow server needs an X display to share, and insists on Network Level Authentication as a Windows host
// does.
class Shadow : public Interop {
 protected:
  void SetUp() override {
    need("Xvfb", "xvfb");
    if (cannot_go_on()) return;
    need("freerdp-shadow-cli", "freerdp2-shadow-x11");
    if (cannot_go_on()) return;
    start_display();
    ASSERT_FALSE(display_.empty()) << read_file(folder_.path() / "xvfb.output");
    server_ = start_server([&](std::uint16_t port) { return command(port); });
    ASSERT_TRUE(server_.process) << read_file(folder_.path() / "output");
  }

  // Xvfb takes the first display number that is free, and writes it and a newline to the descriptor that it is given.
  void start_display() {
    const auto output = folder_.path() / "xvfb.output";
    xvfb_ = std::make_unique<Process>(Command{
        find_program("Xvfb"), {"-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp"}, {}, output});
    const auto told = [&] {
      display_ = last_number_line(read_file(output));
      return !display_.empty();
    };
    if (wait_until(told, [&] { return !xvfb_->running(); })) display_ = ":" + display_;
  }

  Command command(std::uint16_t port) const {
    return {find_program("freerdp-shadow-cli"),
            {"/port:" + std::to_string(port), "/bind-address:127.0.0.1", "/sec:nla"},
            {"HOME=" + folder_.path().string(), "XDG_CONFIG_HOME=" + (folder_.path() / ".config").string(),
             "DISPLAY=" + display_},
            folder_.path() / "output"};
  }

  std::string own_thumbprint() const {
    const auto pem = read_file(folder_.path() / ".config/freerdp/shadow/shadow.crt");
    const auto x509 = openssl::read_certificate(pem);
    return x509 ? thumbprint(*x509, EVP_sha1()) : "";
  }

  std::unique_ptr<Process> xvfb_;
  std::string display_;
  RunningServer server_;
};

TEST_F(Shadow, ChoosesCredSspAndServesItsCertificate) {
  const auto report = probe(server_.port, 0x0B);
  ASSERT_EQ(report.outcome(), v1::PROBE_OUTCOME_OK) << report.detail();
  EXPECT_EQ(report.selected_protocol(), rdp_protocol::k_hybrid);
  EXPECT_THAT(report.tls_protocol(), testing::StartsWith("TLSv1."));
  EXPECT_EQ(report.certificate().sha1(), own_thumbprint());
}

TEST_F(Shadow, AnswersARequestWithoutCredSspWithFailure5) {
  const auto report = probe(server_.port, rdp_protocol::k_tls);
  EXPECT_EQ(report.outcome(), v1::PROBE_OUTCOME_NEGOTIATION_FAILURE) << report.detail();
  EXPECT_EQ(report.failure_code(), 5U);
  EXPECT_THAT(report.detail(), testing::HasSubstr("HYBRID_REQUIRED_BY_SERVER"));
  EXPECT_THAT(report.meaning(), testing::HasSubstr("Network Level Authentication"));
}

}  // namespace
}  // namespace rdpmend::test
