#include "service/hosts/rehearsed_host.hpp"

#include <fmt/format.h>

#include <random>

namespace rdpmend {

namespace {
std::uint64_t fresh_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32U) | device();
}
}  // namespace

RehearsedHost::RehearsedHost(const v1::Scenario& scenario)
    : host_(scenario, {.seed = fresh_seed(), .real_time = true, .real_keys = true}) {}

Result<std::unique_ptr<RehearsedHost>> RehearsedHost::open(const v1::Scenario& scenario, std::uint16_t rdp_port,
                                                           std::function<void(const std::string&)> on_story) {
  std::unique_ptr<RehearsedHost> session(new RehearsedHost(scenario));
  session->host_.set_on_story(std::move(on_story));
  auto listener = sim::LoopbackListener::open(session->host_, rdp_port);
  if (!listener) return fail(std::move(listener.error()).context("cannot open the rehearsed RDP listener"));
  session->listener_ = std::move(*listener);
  return session;
}

std::string RehearsedHost::loopback_address() const {
  return fmt::format("{}:{}", listener_->loopback_address(), listener_->port());
}

std::string RehearsedHost::outside_address() const {
  return fmt::format("{}:{}", listener_->outside_address(), listener_->port());
}

}  // namespace rdpmend
