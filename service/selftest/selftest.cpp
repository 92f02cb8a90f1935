#include "service/selftest/selftest.hpp"

#include "service/selftest/checks.hpp"

namespace rdpmend {

v1::SelfTestResponse check_host(const HostView& host) {
  v1::SelfTestResponse all;
  check_registry(host, all);
  check_services(host, all);
  check_certificates(host, all);
  check_firewall(host, all);
  check_listener(host, all);
  check_events(host, all);
  return all;
}

v1::SelfTestResponse check_all(const HostView& host) {
  auto all = check_host(host);
  if (host.identity.kind == "windows") check_operating_system(all);
  return all;
}

}  // namespace rdpmend
