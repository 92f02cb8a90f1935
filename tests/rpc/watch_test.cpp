// Watch: history and live in one stream, whatever the client and the service do meanwhile.
#include <gmock/gmock.h>

#include <future>
#include <thread>

#include "tests/rpc/rpc_world.hpp"

namespace rdpmend {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

v1::WatchRequest after(std::uint64_t seq) {
  v1::WatchRequest request;
  request.set_after_seq(seq);
  return request;
}

class Watcher {
 public:
  Watcher(RpcWorld& world, const v1::WatchRequest& request)
      : stub_(world.stub(v1::ROLE_VIEWER)), context_(context()), stream_(stub_->Watch(context_.get(), request)) {}
  ~Watcher() { cancel(); }

  std::optional<v1::WatchResponse> next() {
    v1::WatchResponse response;
    if (!stream_->Read(&response)) return std::nullopt;
    return response;
  }
  // Entries until so many were seen, or the stream ends.
  std::vector<std::uint64_t> entries(std::size_t count) {
    std::vector<std::uint64_t> seen;
    while (seen.size() < count) {
      const auto response = next();
      if (!response) break;
      if (response->has_entry()) seen.push_back(response->entry().seq());
      if (response->has_pruned()) pruned_.emplace_back(response->pruned().first_seq(), response->pruned().last_seq());
      if (response->what_case() == v1::WatchResponse::kCaughtUpSeq) caught_up_.push_back(response->caught_up_seq());
    }
    return seen;
  }
  const std::vector<std::uint64_t>& caught_up() const { return caught_up_; }
  const std::vector<std::pair<std::uint64_t, std::uint64_t>>& pruned() const { return pruned_; }

  void cancel() { context_->TryCancel(); }
  // Reads what is left.
  grpc::Status finish() {
    while (next()) {
    }
    return stream_->Finish();
  }

 private:
  std::unique_ptr<v1::Agent::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchResponse>> stream_;
  std::vector<std::uint64_t> caught_up_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> pruned_;
};

std::vector<std::uint64_t> from_to(std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> numbers;
  for (auto n = first; n <= last; ++n) numbers.push_back(n);
  return numbers;
}

TEST(Watch, BeginsWithHistoryThenSaysThatItIsLiveThenGoesOn) {
  RpcWorld world;
  world.settle();
  world.append(10);
  const auto newest = world.journal().range().last_seq;
  Watcher watcher(world, after(0));
  EXPECT_EQ(watcher.entries(newest), from_to(1, newest));
  EXPECT_THAT(watcher.caught_up(), IsEmpty());
  const auto marker = watcher.next();
  ASSERT_TRUE(marker);
  EXPECT_EQ(marker->caught_up_seq(), newest);
  world.append(3);
  EXPECT_EQ(watcher.entries(3), from_to(newest + 1, newest + 3));
  EXPECT_THAT(watcher.caught_up(), IsEmpty()) << "said twice";
}

TEST(Watch, HasNoGapAndNoDuplicateWhileTheJournalGrows) {
  constexpr std::size_t k_entries = 10'000;
  RpcWorld world;
  world.settle();
  const auto before = world.journal().range().last_seq;
  std::thread writer([&] { world.append(k_entries); });
  Watcher early(world, after(0));
  Watcher late(world, after(before + 100));
  auto late_entries = std::async(std::launch::async, [&] { return late.entries(k_entries - 100); });
  EXPECT_EQ(early.entries(before + k_entries), from_to(1, before + k_entries));
  writer.join();
  EXPECT_EQ(late_entries.get(), from_to(before + 101, before + k_entries));
}

TEST(Watch, LiveOnlyLeavesHistoryOut) {
  RpcWorld world;
  world.settle();
  world.append(5);
  const auto newest = world.journal().range().last_seq;
  v1::WatchRequest request;
  request.set_live_only(true);
  Watcher watcher(world, request);
  const auto first = watcher.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->caught_up_seq(), newest);
  world.append(1);
  EXPECT_EQ(watcher.entries(1), from_to(newest + 1, newest + 1));
}

TEST(Watch, FollowsOneIncidentFromItsOpening) {
  RpcWorld world({.scenario = "certificate-expired"});
  const auto incident = world.settle();
  ASSERT_NE(incident, 0U);
  world.append(2);
  world.append(1, incident);
  const auto about_it = world.journal().range().last_seq;
  v1::WatchRequest request;
  request.set_incident_id(incident);
  Watcher watcher(world, request);
  const auto history = watcher.entries(2);
  ASSERT_FALSE(history.empty());
  EXPECT_EQ(history.front(), incident);
  std::uint64_t last = history.back();
  while (last < about_it) {
    const auto more = watcher.entries(1);
    ASSERT_FALSE(more.empty());
    last = more.back();
  }
  EXPECT_EQ(last, about_it);
  world.append(3);
  world.append(1, incident);
  EXPECT_THAT(watcher.entries(1), ElementsAre(about_it + 4));
  EXPECT_THAT(watcher.pruned(), IsEmpty());
}

TEST(Watch, AnnouncesWhatIsNoLongerKept) {
  RpcWorld world;
  world.settle();
  world.append(20);
  ASSERT_TRUE(world.journal().prune(machine_now(), 11));
  const auto newest = world.journal().range().last_seq;
  Watcher watcher(world, after(4));
  EXPECT_EQ(watcher.entries(newest - 10), from_to(11, newest));
  EXPECT_THAT(watcher.pruned(), ElementsAre(std::pair(5UL, 10UL)));
}

TEST(Watch, RefusesAPlaceThatTheJournalHasNotReached) {
  RpcWorld world;
  world.settle();
  Watcher watcher(world, after(1'000'000));
  const auto status = watcher.finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(detail_of(status).hint(), HasSubstr("0"));
}

TEST(Watch, ASlowClientHoldsUpNobodyAndLosesNothing) {
  constexpr std::size_t k_entries = 6'000;  // More than the window of a call holds.
  RpcWorld world;
  world.settle();
  const auto before = world.journal().range().last_seq;
  Watcher slow(world, after(before));
  ASSERT_TRUE(slow.next());  // Caught up: from here it does not read.
  Watcher fast(world, after(before));
  world.append(k_entries);
  EXPECT_EQ(fast.entries(k_entries), from_to(before + 1, before + k_entries));
  EXPECT_EQ(slow.entries(k_entries), from_to(before + 1, before + k_entries));
}

TEST(Watch, IsBoundedAndGivesPlacesBack) {
  RpcWorld world({.max_watchers = 2});
  Watcher first(world, after(0));
  ASSERT_TRUE(first.next());
  Watcher second(world, after(0));
  ASSERT_TRUE(second.next());
  const auto refused = Watcher(world, after(0)).finish();
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("2 clients"));
  EXPECT_THAT(detail_of(refused).hint(), HasSubstr("max_watchers"));

  first.cancel();
  EXPECT_EQ(first.finish().error_code(), grpc::StatusCode::CANCELLED);
  // The server hears of it a moment later.
  const auto deadline = std::chrono::steady_clock::now() + k_patience;
  bool again = false;
  while (!again && std::chrono::steady_clock::now() < deadline) again = Watcher(world, after(0)).next().has_value();
  EXPECT_TRUE(again);
}

TEST(Watch, EndsWithWordsWhenTheServiceStopsAndShowsTheLastEntriesBefore) {
  RpcWorld world;
  world.settle();
  Watcher watcher(world, after(0));
  const auto newest = world.journal().range().last_seq;
  ASSERT_EQ(watcher.entries(newest), from_to(1, newest));
  world.server().refuse_new_calls();
  world.append(5);
  auto stopped = std::async(std::launch::async, [&] { world.server().stop(30s); });
  EXPECT_EQ(watcher.entries(5), from_to(newest + 1, newest + 5));
  const auto status = watcher.finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "service is stopping");
  ASSERT_EQ(stopped.wait_for(k_patience), std::future_status::ready);
}

TEST(Watch, AClientThatDoesNotReadCannotHoldUpTheStop) {
  RpcWorld world;
  world.settle();
  Watcher stuck(world, after(0));
  ASSERT_TRUE(stuck.next());
  world.append(20'000);
  auto stopped = std::async(std::launch::async, [&] { world.server().stop(200ms); });
  ASSERT_EQ(stopped.wait_for(k_patience), std::future_status::ready);
  EXPECT_FALSE(stuck.finish().ok());
}

}  // namespace
}  // namespace rdpmend
