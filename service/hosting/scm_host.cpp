#include "service/hosting/scm_host.hpp"

#include <fmt/format.h>

#include <memory>
#include <mutex>
#include <optional>

#include "agent-lib/support/log.hpp"
#include "agent-lib/support/steady_condition.hpp"
#include "agent-lib/win32/os.hpp"
#include "agent-lib/win32/os_error.hpp"
#include "agent-lib/win32/privilege.hpp"
#include "service/event_log/event_feed.hpp"
#include "service/event_log/event_log.hpp"
#include "service/hosting/scm_names.hpp"
#include "service/hosting/scm_status.hpp"
#include "service/os/exit_codes.hpp"
#include "service/os/print.hpp"

namespace rdpmend {

namespace {

// What somebody asked of the service, from the control handler to the thread that serves.
class StopRequest {
 public:
  void ask(const char* reason) {
    {
      const std::scoped_lock lock(mutex_);
      if (reason_ == nullptr) reason_ = reason;
    }
    asked_.notify_all();
  }
  std::string wait() {
    std::unique_lock lock(mutex_);
    asked_.wait(lock, [this] { return reason_ != nullptr; });
    return reason_;
  }

 private:
  std::mutex mutex_;
  SteadyCondition asked_;
  const char* reason_ = nullptr;
};

// Posts and returns: the dispatcher has one thread for all services of the process, and a control times out after 30 s.
// https://learn.microsoft.com/windows/win32/api/winsvc/nc-winsvc-lphandler_function_ex
DWORD WINAPI handle_control(DWORD control, DWORD, void*, void* context) {
  auto& request = *static_cast<StopRequest*>(context);
  switch (control) {
    case SERVICE_CONTROL_STOP: request.ask("the Service Control Manager asks to stop"); return NO_ERROR;
    case SERVICE_CONTROL_PRESHUTDOWN: request.ask("Windows shuts down"); return NO_ERROR;
    case SERVICE_CONTROL_INTERROGATE: return NO_ERROR;
    default: return ERROR_CALL_NOT_IMPLEMENTED;
  }
}

class ScmOwner final : public ProcessOwner {
 public:
  ScmOwner(ScmStatus& status, StopRequest& request, EventLog& event_log, std::filesystem::path cursor_file)
      : status_(status), request_(request), event_log_(event_log), cursor_file_(std::move(cursor_file)) {}

  ConsoleLog console_log() const override { return ConsoleLog::none; }
  void progress() override { status_.start_pending(); }
  void running(const Running& service) override {
    {
      const std::scoped_lock lock(mutex_);
      feed_ = std::make_unique<EventFeed>(service.journal, cursor_file_,
                                          [this](const EventMessage& message) { return event_log_.report(message); });
    }
    status_.running();
  }
  std::string wait() override { return request_.wait(); }
  void stopping() override { status_.stop_pending(); }
  void stopped() override {
    const std::scoped_lock lock(mutex_);
    feed_.reset();
  }
  // Stopped, as asked: what ends without having said so counts as a failure, and is started again.
  // https://learn.microsoft.com/windows/win32/api/winsvc/ns-winsvc-service_failure_actionsw
  void hung() override { status_.stopped(exit_code::k_ok); }
  void journal_grew() override {
    const std::scoped_lock lock(mutex_);
    if (feed_) feed_->grew();
  }
  void journal_failed(const std::string& what) override {
    const std::scoped_lock lock(mutex_);
    if (feed_) feed_->tell_now(journal_trouble(what));
  }

 private:
  ScmStatus& status_;
  StopRequest& request_;
  EventLog& event_log_;
  const std::filesystem::path cursor_file_;
  std::mutex mutex_;
  std::unique_ptr<EventFeed> feed_;
};

// The dispatcher hands nothing of ours on to ServiceMain.
struct Service {
  const std::filesystem::path& state;
  const std::function<Status(ProcessOwner&)>& serve;
};
const Service* the_service = nullptr;

Status serve_guarded(ScmOwner& owner) {
  try {
    if (auto disabled = win32::disable_privileges({SE_TAKE_OWNERSHIP_NAME, SE_RESTORE_NAME, SE_BACKUP_NAME}); !disabled)
      return disabled;
    return the_service->serve(owner);
  } catch (const std::exception& error) {
    return fail(ErrorCode::internal, error.what(), "Please report this.");
  }
}

void WINAPI service_main(DWORD, wchar_t**) {
  // Not on this stack: no page says that the dispatcher delivers no control after SERVICE_STOPPED, while this returns.
  static StopRequest request;
  const auto handle = RegisterServiceCtrlHandlerExW(k_service_name, handle_control, &request);
  if (handle == nullptr) return;
  ScmStatus status(handle);
  status.start_pending();
  EventLog event_log;
  ScmOwner owner(status, request, event_log, the_service->state / "event_log.cursor");
  const auto done = serve_guarded(owner);
  if (!done) (void)event_log.report(could_not_start(done.error()));
  status.stopped(done ? exit_code::k_ok : exit_code::k_refused);
}

}  // namespace

// The dispatcher is contacted before anything else: the Service Control Manager gives a process 30 s for it.
int serve_for_scm(const std::filesystem::path& state, const std::function<Status(ProcessOwner&)>& serve) {
  const Service service{state, serve};
  the_service = &service;
  std::wstring name = k_service_name;
  const SERVICE_TABLE_ENTRYW table[] = {{name.data(), service_main}, {nullptr, nullptr}};
  if (StartServiceCtrlDispatcherW(table) != 0) return exit_code::k_ok;
  const DWORD code = GetLastError();
  auto error = win32::win32_error("cannot reach the Service Control Manager", code);
  if (code == ERROR_FAILED_SERVICE_CONTROLLER_CONNECT) {
    error.what = "this was started from a console, not by the Service Control Manager";
    error.hint = "Use `rdpmendd run` in a console, or `sc.exe start rdpmend` for the installed service.";
  }
  print_to(stderr, "rdpmendd: {}\n", to_string(error));
  return exit_code::k_refused;
}

}  // namespace rdpmend
