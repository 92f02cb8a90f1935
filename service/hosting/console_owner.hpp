// The service in the foreground, for `rdpmendd run`.
#pragma once

#include "service/hosting/console_host.hpp"
#include "service/serve.hpp"

namespace rdpmend {

class ConsoleOwner final : public ProcessOwner {
 public:
  ConsoleLog console_log() const override { return ConsoleLog::standard_error; }
  void running(const App& app) override;
  std::string wait() override { return console_.wait(); }

 private:
  ConsoleHost console_;
};

}  // namespace rdpmend
