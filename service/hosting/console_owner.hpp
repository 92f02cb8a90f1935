// The service in the foreground, for `rdpmendd run`.
#pragma once

#include "service/hosting/console_host.hpp"
#include "service/hosting/process_owner.hpp"

namespace rdpmend {

class ConsoleOwner final : public ProcessOwner {
 public:
  ConsoleLog console_log() const override { return ConsoleLog::standard_error; }
  void running(const Running& service) override;
  std::string wait() override { return console_.wait(); }

 private:
  ConsoleHost console_;
};

}  // namespace rdpmend
