// rdpmend selftest: what the service finds of what rdpmend assumes about Windows.
#include <algorithm>

#include "cli/commands/command.hpp"
#include "cli/format/selftest_view.hpp"

namespace rdpmend::cli {

namespace {

// The service may read everything, so what it could not check is as bad as what differs.
bool is_fine(const v1::SelfTestResponse::Check& check) {
  using Check = v1::SelfTestResponse::Check;
  return check.outcome() == Check::OUTCOME_AS_EXPECTED || check.outcome() == Check::OUTCOME_NOT_HERE;
}

Result<ExitCode> self_test(Context& context, bool all) {
  auto client = context.connect();
  if (!client) return fail(client.error());
  const auto test = client->call(&Client::Stub::SelfTest, v1::SelfTestRequest{});
  if (!test) return fail(test.error());
  const auto shown = context.show(*test, [&](Page& page) { print_selftest(page, *test, all); });
  if (!shown) return fail(shown.error());
  const auto& checks = test->checks();
  return std::all_of(checks.begin(), checks.end(), is_fine) ? ExitCode::ok : ExitCode::failed;
}

}  // namespace

void add_selftest(CLI::App& app, Run& chosen) {
  auto& command = add_command(app, "selftest",
                              "Compare the host, as the service sees it, with what rdpmend assumes about Windows. "
                              "Changes nothing. Exits with 2 if something differs or could not be checked.",
                              {"selftest", "selftest --all", "selftest --format json --timeout 60"});
  const auto all = std::make_shared<bool>(false);
  command.add_flag("--all", *all, "Also what is as expected");
  command.callback([all, &chosen] { chosen = [all](Context& context) { return self_test(context, *all); }; });
}

}  // namespace rdpmend::cli
