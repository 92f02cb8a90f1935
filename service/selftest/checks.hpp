// Collects the checks of one area.
#pragma once

#include <string>
#include <string_view>

#include "agent-lib/knowledge/stock_host.hpp"
#include "service/selftest/selftest.hpp"

namespace rdpmend {

// The thing that is looked at, what it should be, and who says so.
struct Assumption {
  std::string what;
  std::string expected;
  std::string source;
};

// Of a row of the stock host: its source, and what would prove it where that is no proof.
template <class Row>
std::string who_says(const Row& row) {
  if (row.unproven().empty()) return row.source();
  return row.source() + (row.source().empty() ? "" : "; ") + "unproven, asks for: " + row.unproven();
}

// What this host should be as shipped: by its build, or as the oldest one where that cannot be read, which
// check_certificates tells.
Stock assumed_stock(const Registry& registry);

class Checks {
 public:
  Checks(std::string_view area, v1::SelfTestResponse& all) : area_(area), all_(all) {}

  void holds(const Assumption& assumption, std::string_view found);
  void differs(const Assumption& assumption, std::string_view found);
  void not_here(const Assumption& assumption, std::string_view found);
  void compare(bool as_assumed, const Assumption& assumption, std::string_view found);
  void not_checked(const Assumption& assumption, std::string_view found);
  // unsupported: the host has no such thing. denied: it was not checked. Every other error is a difference.
  void failed(const Assumption& assumption, const Error& error);

 private:
  void add(Check::Outcome outcome, const Assumption& assumption, std::string_view found);

  std::string_view area_;
  v1::SelfTestResponse& all_;
};

// The areas that are seen through the ports.
void check_registry(const HostView& host, v1::SelfTestResponse& all);
void check_services(const HostView& host, v1::SelfTestResponse& all);
void check_certificates(const HostView& host, v1::SelfTestResponse& all);
void check_firewall(const HostView& host, v1::SelfTestResponse& all);
void check_listener(const HostView& host, v1::SelfTestResponse& all);
void check_events(const HostView& host, v1::SelfTestResponse& all);

}  // namespace rdpmend
