#include "service/rpc/open_incidents.hpp"

#include <algorithm>

#include "agent-lib/record/words.hpp"
#include "service/rpc/requests.hpp"

namespace rdpmend {

void describe_open(const std::map<std::uint64_t, std::shared_ptr<const v1::Incident>>& incidents,
                   v1::GetStatusResponse& response) {
  std::uint32_t open = 0;
  std::size_t bytes = 0;
  auto& listed = *response.mutable_incidents();
  for (auto newest = incidents.rbegin(); newest != incidents.rend(); ++newest) {
    if (is_closed(newest->second->state())) continue;
    ++open;
    if (listed.size() == k_max_status_incidents || bytes > k_max_page_bytes) continue;
    auto& shown = *listed.Add();
    shown = *newest->second;
    if (shown.has_repair()) shown.mutable_repair()->clear_steps();
    bytes += shown.ByteSizeLong();
    if (bytes > k_max_page_bytes && listed.size() > 1) listed.RemoveLast();
  }
  std::reverse(listed.begin(), listed.end());
  response.set_open_incidents(open);
}

}  // namespace rdpmend
