#include "service/rpc/status_map.hpp"

#include <gtest/gtest.h>

#include <set>

#include "rdpmend/v1/agent.pb.h"

namespace rdpmend {
namespace {

v1::ErrorDetail detail_in(const grpc::Status& status) {
  v1::ErrorDetail detail;
  EXPECT_TRUE(detail.ParseFromString(status.error_details()));
  return detail;
}

TEST(StatusMap, CarriesCodeHintAndOsErrorInTheDetails) {
  const auto status = to_grpc_status({ErrorCode::denied, "cannot open store", "run as SYSTEM", OsError{"win32", 5}});
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(status.error_message(), "cannot open store");
  const auto detail = detail_in(status);
  EXPECT_EQ(detail.code(), "denied");
  EXPECT_EQ(detail.hint(), "run as SYSTEM");
  EXPECT_EQ(detail.os_error(), "win32 5");
}

TEST(StatusMap, WritesHresultsInHex) {
  const auto status =
      to_grpc_status({ErrorCode::internal, "x", "", OsError{"hresult", static_cast<std::int32_t>(0x80090016)}});
  EXPECT_EQ(detail_in(status).os_error(), "hresult 0x80090016");
}

TEST(StatusMap, GivesEachKindOfErrorItsOwnCodeAndNeverOk) {
  std::set<grpc::StatusCode> codes;
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
    const auto status = to_grpc_status({static_cast<ErrorCode>(code), "x", "", {}});
    EXPECT_FALSE(status.ok());
    EXPECT_NE(status.error_code(), grpc::StatusCode::UNKNOWN);
    EXPECT_TRUE(codes.insert(status.error_code()).second) << code;
    EXPECT_EQ(detail_in(status).code(), to_string(static_cast<ErrorCode>(code)));
  }
}

TEST(StatusMap, ShortensLongTextBetweenCharacters) {
  std::string umlauts;
  for (int i = 0; i < 4000; ++i) umlauts += "\xC3\xA4";
  const auto status = to_grpc_status({ErrorCode::internal, "x" + umlauts, umlauts, {}});
  EXPECT_LE(status.error_message().size(), 1030U);
  const auto hint = detail_in(status).hint();
  EXPECT_LE(hint.size(), 1030U);
  EXPECT_TRUE(hint.ends_with("\xC3\xA4..."));
  EXPECT_TRUE(status.error_message().ends_with("\xC3\xA4..."));
}

}  // namespace
}  // namespace rdpmend
