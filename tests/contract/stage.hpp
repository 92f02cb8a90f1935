// A host under test and the means to arrange on it what a contract speaks of. The same contracts hold for every host.
#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <string>

#include "agent-lib/host/host.hpp"

namespace rdpmend::contract {

struct KeyFileName {
  std::string folder;
  std::string file;
};
struct ServicePair {
  std::string base;
  std::string dependent;
};
struct EventKind {
  std::string channel;
  std::string provider;
  std::uint32_t id = 0;
};

// The ways in which subscriptions are seen to give nothing any more (measured.md E1; stage of each: sim/README.md).
enum class Silence {
  restart_unnoticed,          // The event log service was restarted; they say that nothing is there,
  restart_invalid_operation,  // or ERROR_INVALID_OPERATION, which healthy ones say, too,
  restart_invalid_handle,     // or that their handle is none,
  restart_rpc_error,          // or that nobody answers.
  mute,                       // One that is alive gives nothing any more.
  passed_over,  // The next events do not fit into one answer, and are passed over by the one that is told so.
};

// What cannot be arranged on a host fails with unsupported and the reason, and the test is skipped with it.
class Stage {
 public:
  virtual ~Stage() = default;
  virtual HostControl host() = 0;

  virtual Status put(const std::string& key, const std::string& name, const RegistryValue& value) = 0;
  // A certificate store that exists and may be written to.
  virtual Result<std::string> store() = 0;
  // The thumbprint of a certificate in store() whose private key can be used.
  virtual Result<std::string> certificate_with_key() = 0;
  // A private key file that is there, for CryptoAPI.
  virtual Result<KeyFileName> key_file() = 0;
  // Whether files keep the access lists that they are given.
  virtual Status access_lists_are_kept() { return {}; }
  // Two services that may be started and stopped; `dependent` needs `base`. Both are manual.
  virtual Result<ServicePair> services() = 0;
  // Whether the system itself lists services that depend on others.
  virtual Status dependents_are_listed() { return {}; }
  // A rule of the local store that may be switched on and off.
  virtual Result<std::string> firewall_rule() = 0;
  // An event that log_event() logs.
  virtual Result<EventKind> event_kind() = 0;
  virtual Status log_event() = 0;
  // Of the subscriptions to its channel that are open.
  virtual Status silence(Silence how) = 0;
  // From now on the channel's bookmarks are said to be of records that are gone.
  virtual Status deny_bookmarks() = 0;
  // Nobody listens on the RDP port.
  virtual Status close_listener() = 0;
};

using StageFactory = std::unique_ptr<Stage> (*)();

// Each test has a host of its own, as far as hosts can be had.
class Contract : public testing::TestWithParam<StageFactory> {
 protected:
  Contract() : stage(GetParam()()), host(stage->host()) {}

  const std::unique_ptr<Stage> stage;
  const HostControl host;
};

}  // namespace rdpmend::contract

// What a host cannot do it says itself; then the test is skipped with its words, anything else fails it.
#define RDPMEND_REQUIRE(result)                                                                                    \
  do {                                                                                                             \
    const auto& required = (result);                                                                               \
    if (!required && required.error().code == ErrorCode::unsupported) GTEST_SKIP() << to_string(required.error()); \
    ASSERT_TRUE(required.has_value()) << to_string(required.error());                                              \
  } while (false)

#define RDPMEND_ASSERT_FAILS_WITH(expected, result)                                                 \
  do {                                                                                              \
    const auto& outcome = (result);                                                                 \
    ASSERT_FALSE(outcome.has_value());                                                              \
    if (outcome.error().code == ErrorCode::unsupported) GTEST_SKIP() << to_string(outcome.error()); \
    ASSERT_EQ(to_string(outcome.error().code), to_string(expected)) << to_string(outcome.error());  \
  } while (false)
