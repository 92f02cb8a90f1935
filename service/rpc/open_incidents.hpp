// The open incidents in an answer that has other things to say too.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "rdpmend/v1/agent.pb.h"

namespace rdpmend {

inline constexpr int k_max_status_incidents = 50;

// The newest ones, oldest first, without their repair's steps and within k_max_page_bytes; `open_incidents` counts all.
void describe_open(const std::map<std::uint64_t, std::shared_ptr<const v1::Incident>>& incidents,
                   v1::GetStatusResponse& response);

}  // namespace rdpmend
