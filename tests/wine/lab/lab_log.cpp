#include "tests/wine/lab/lab_log.hpp"

#include <windows.h>

#include "tests/wine/lab/channel_store.hpp"
#include "tests/wine/lab/text.hpp"

namespace rdpmend::lab {

namespace {

std::string computer_name() {
  std::wstring name(256, L'\0');
  auto size = static_cast<DWORD>(name.size());
  GetComputerNameExW(ComputerNameDnsHostname, name.data(), &size);
  return narrow(name.substr(0, size));
}

}  // namespace

void log_event(const sim::SimEvent& event) {
  auto channel = Channel::open(event.channel);
  if (!channel) return;
  const auto now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  channel->append([&](std::uint64_t id) { return sim::render(event, id, now, computer_name()); });
}

}  // namespace rdpmend::lab
