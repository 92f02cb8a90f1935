// What somebody who is let in can do to the service with a client of his own: end his own connection, and no more.
// gRPC 1.51 as Debian has it fails these tests, so they run with the one that packaging/windows builds: it has our
// patch (packaging/windows/patches/grpc, service/SECURITY.md).
#include <gmock/gmock.h>
#include <grpcpp/generic/async_generic_service.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <condition_variable>

#include "tests/rpc/raw_client.hpp"
#include "tests/rpc/rpc_world.hpp"

namespace rdpmend {
namespace {

using namespace std::chrono_literals;

constexpr char k_http2_refused_stream[] = {0, 0, 0, 7};
constexpr char k_http2_cancel[] = {0, 0, 0, 8};

template <std::size_t Size>
std::string_view bytes_of(const char (&code)[Size]) {
  return {code, Size};
}

const std::string& greeting() {
  static const auto bytes = std::string(k_http2_preface) + http2_frame(FrameType::settings, 0, 0, "");
  return bytes;
}

bool has_answer(std::string_view bytes) {
  return std::ranges::any_of(frames_of(bytes), [](const auto& frame) { return frame.stream == 1; });
}

bool never(std::string_view) {
  return false;
}

class PatchedGrpc : public testing::Test {
 protected:
  void SetUp() override {
#ifndef _WIN32
    GTEST_SKIP() << "the gRPC of this system is Debian's, which is not patched: see service/SECURITY.md";
#endif
  }
};

class HostileClient : public PatchedGrpc {
 protected:
  // What the service says to a viewer who sends these bytes.
  RawClient::Heard heard_by_viewer(std::string_view sent, const RawClient::Enough& enough) {
    RawClient raw(world_.server().address(), world_.client(v1::ROLE_VIEWER), TLS1_3_VERSION);
    EXPECT_TRUE(raw.greeted());
    raw.send(sent);
    return raw.listen(k_patience, enough);
  }

  // A header block that begins as a call's does, goes on with `field`, and then with CONTINUATION frames of `more`.
  static std::string flood(std::string_view field, std::string_view more, int frames) {
    auto sent =
        greeting() + http2_frame(FrameType::headers, k_end_stream, 1, request_fields(k_get_status).append(field));
    for (int i = 0; i < frames; ++i) sent += http2_frame(FrameType::continuation, 0, 1, more);
    return sent;
  }

  void expect_service_answers() {
    const auto status = world_.ask(v1::ROLE_VIEWER);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }

  RpcWorld world_;
};

// CVE-2023-1428. The process would be gone, and this test with it.
TEST_F(HostileClient, CannotEndTheServiceWithAHeader) {
  const std::pair<const char*, const char*> fields[] = {{"grpclb_client_stats", "x"},
                                                        {"te", "x"},
                                                        {":scheme", "x"},
                                                        {":method", "x"},
                                                        {"content-type", "x"},
                                                        {"grpc-encoding", "x"},
                                                        {"grpc-internal-encoding-request", "x"},
                                                        {"grpc-accept-encoding", "x"},
                                                        {"grpc-timeout", "x"},
                                                        {"grpc-status", "x"},
                                                        {"grpc-retry-pushback-ms", "x"},
                                                        {"lb-cost-bin", "eA"},
                                                        {"lb-token", "x"},
                                                        {":status", "x"}};
  for (const auto& [name, value] : fields) {
    SCOPED_TRACE(name);
    const auto heard = heard_by_viewer(http2_call(k_get_status, name, value), has_answer);
    EXPECT_TRUE(heard.closed || has_answer(heard.bytes));
    expect_service_answers();
  }
}

// The other half of CVE-2023-1428: the size of what was sent so far is looked at when it is too much.
TEST_F(HostileClient, CannotEndTheServiceWithAHeaderAmongTooMany) {
  std::string many;
  for (int i = 0; i < 100; ++i) many += hpack_field("x-any", std::string(100, 'x'));
  for (const auto* name : {"grpclb_client_stats", "te", ":scheme", ":method"}) {
    SCOPED_TRACE(name);
    const auto block = request_fields(k_get_status) + hpack_field(name, "x") + many;
    heard_by_viewer(greeting() + http2_frame(FrameType::headers, k_end_stream | k_end_headers, 1, block), never);
    expect_service_answers();
  }
}

// CVE-2023-32732: where a proxy carries many clients' calls over one connection, this would end them all.
TEST_F(HostileClient, EndsNoConnectionButItsOwnWithDamagedBase64) {
  const auto other = world_.stub(v1::ROLE_OPERATOR);
  v1::GetStatusResponse response;
  ASSERT_TRUE(other->GetStatus(context().get(), {}, &response).ok());
  heard_by_viewer(http2_call(k_get_status, "x-any-bin", "*"), never);
  EXPECT_TRUE(other->GetStatus(context().get(), {}, &response).ok());
}

// CVE-2023-33953: 1 MiB was announced, and all that came of it was kept.
TEST_F(HostileClient, IsCutOffWithALongField) {
  const std::string field("\x00\x05x-any\x7f\x81\xff\x3f", 11);
  EXPECT_TRUE(heard_by_viewer(flood(field, std::string(1024, 'x'), 32), never).closed);
  expect_service_answers();
}

// CVE-2023-33953: RFC 7541 section 5.1 lets an integer have any number of such bytes.
TEST_F(HostileClient, IsCutOffWithAnIntegerOfManyBytes) {
  const std::string field("\x00\x7f", 2);
  EXPECT_TRUE(heard_by_viewer(flood(field, std::string(1024, '\x80'), 32), never).closed);
  expect_service_answers();
}

// Each CONTINUATION frame names a field of 3000 bytes, that was sent once, by one byte.
TEST_F(HostileClient, IsCutOffWithManyContinuationFrames) {
  const auto field = std::string("\x40\x05x-any\x7f\xb9\x16", 10) + std::string(3000, 'x');
  EXPECT_TRUE(heard_by_viewer(flood(field, "\xbe", 10), never).closed);
  expect_service_answers();
}

// A stream with an even number is the server's own: its block is read, but is nobody's.
TEST_F(HostileClient, IsCutOffWithABlockThatEndsWithinAField) {
  const std::string unfinished("\x00\x05x-any\x7f\x81\xff\x3f", 11);
  EXPECT_TRUE(
      heard_by_viewer(greeting() + http2_frame(FrameType::headers, k_end_headers, 2, unfinished), never).closed);
  expect_service_answers();
}

// Its calls are not over before it is told so, cancelled or not: as those of a service that has much to do.
class BusyService : public grpc::CallbackGenericService {
 public:
  // So many calls have come to it.
  bool wait_for(std::size_t calls) {
    std::unique_lock lock(mutex_);
    return came_.wait_for(lock, k_patience, [&] { return calls_.size() >= calls; });
  }
  std::size_t calls() {
    const std::scoped_lock lock(mutex_);
    return calls_.size();
  }
  void finish() {
    const std::scoped_lock lock(mutex_);
    for (auto* call : calls_) call->Finish(grpc::Status::CANCELLED);
    calls_.clear();
    finished_ = true;
  }

 private:
  struct Call : grpc::ServerGenericBidiReactor {
    void OnDone() override { delete this; }
  };

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    const std::scoped_lock lock(mutex_);
    auto* call = new Call;
    if (finished_) {
      call->Finish(grpc::Status::CANCELLED);
    } else {
      calls_.push_back(call);
    }
    came_.notify_all();
    return call;
  }

  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<Call*> calls_;
  bool finished_ = false;
};

class HostileClientOfABusyServer : public PatchedGrpc {
 protected:
  static constexpr int k_max_streams = 4;

  HostileClientOfABusyServer() : keys_(self_signed("localhost", machine_now() - 1h, machine_now() + 1h)) {
    grpc::SslServerCredentialsOptions options;
    options.pem_key_cert_pairs = {{keys_.key_pem, keys_.certificate_pem}};
    grpc::ServerBuilder builder;
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, k_max_streams);
    builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port_);
    builder.RegisterCallbackGenericService(&service_);
    server_ = builder.BuildAndStart();
  }
  ~HostileClientOfABusyServer() override {
    service_.finish();
    server_->Shutdown(std::chrono::system_clock::now());
  }

  // Its settings are never acknowledged.
  RawClient connect() const { return {"127.0.0.1:" + std::to_string(port_), keys_, TLS1_3_VERSION}; }
  static std::string call(int number) {
    return http2_frame(FrameType::headers, k_end_headers, stream(number), request_fields("/any.Service/Method"));
  }
  static std::string reset(int number) {
    return http2_frame(FrameType::reset, 0, stream(number), bytes_of(k_http2_cancel));
  }
  static std::uint32_t stream(int number) { return static_cast<std::uint32_t>(2 * number + 1); }

  CertificateAndKey keys_;
  BusyService service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

TEST_F(HostileClientOfABusyServer, HasNoMoreStreamsForNotAcknowledgingSettings) {
  auto raw = connect();
  raw.send(greeting());
  for (int i = 0; i < k_max_streams; ++i) raw.send(call(i));
  ASSERT_TRUE(service_.wait_for(k_max_streams));
  raw.send(call(k_max_streams));
  EXPECT_TRUE(raw.listen(k_patience, never).closed);
}

// CVE-2023-44487. Twice the streams, since a client cannot know when the call of a stream that it reset is over.
TEST_F(HostileClientOfABusyServer, HasNoMoreCallsForResettingStreams) {
  auto raw = connect();
  raw.send(greeting());
  for (int i = 0; i < 2 * k_max_streams; ++i) {
    raw.send(call(i));
    ASSERT_TRUE(service_.wait_for(i + 1));
    raw.send(reset(i));
  }
  raw.send(call(2 * k_max_streams));
  const auto refused = [](std::string_view bytes) {
    return std::ranges::any_of(frames_of(bytes), [](const auto& frame) {
      return frame.type == FrameType::reset && frame.stream == stream(2 * k_max_streams) &&
             frame.payload == bytes_of(k_http2_refused_stream);
    });
  };
  EXPECT_TRUE(refused(raw.listen(k_patience, refused).bytes));
  EXPECT_EQ(service_.calls(), 2 * k_max_streams);
}

}  // namespace
}  // namespace rdpmend
