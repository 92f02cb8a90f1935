// The tree keeps the house plan, and the check would notice if it did not.
#include "tests/architecture/architecture.hpp"
#include "tests/architecture/circles.hpp"
#include "tests/paths.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace rdpmend::architecture {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

// A small tree of its own in a temporary folder.
class PlantedTree : public testing::Test {
 protected:
  PlantedTree() : root_(fs::path{testing::TempDir()} / ("rdpmend_architecture_" + name())) { fs::remove_all(root_); }
  ~PlantedTree() override { fs::remove_all(root_); }

  void plant(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream{root_ / path} << text;
  }
  void plant_include(const std::string& path, const std::string& include) {
    plant(path, "// Why.\n#include " + include + "\n");
  }
  std::vector<std::string> found() const { return violations(read_tree(root_)); }
  const fs::path& root() const { return root_; }

 private:
  static std::string name() { return testing::UnitTest::GetInstance()->current_test_info()->name(); }
  fs::path root_;
};

TEST(Architecture, TheTreeKeepsTheHousePlan) {
  const SourceTree tree = read_tree(test::source_dir());
  ASSERT_THAT(tree.files, SizeIs(testing::Gt(50U)));
  ASSERT_THAT(tree.fault_folders, SizeIs(testing::Ge(3U)));
  std::string report;
  for (const std::string& line : violations(tree)) report += line + "\n";
  EXPECT_EQ(report, "");
}

TEST_F(PlantedTree, AllowedDirectionsPass) {
  plant_include("agent-lib/engine/engine.cpp", "\"agent-lib/rules/catalogue.hpp\"");
  plant_include("cli/commands/probe.cpp", "\"agent-lib/probe/rdp_handshake.hpp\"");
  plant_include("service/rpc/server.cpp", "<grpcpp/grpcpp.h>");
  plant_include("tests/engine/engine_test.cpp", "\"agent-lib/sim/sim_host.hpp\"");
  plant_include("agent-lib/support/time.hpp", "\"rdpmend/v1/plan.pb.h\"");
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(PlantedTree, AForbiddenDirectionIsFound) {
  plant("cli/main.cpp", "// Why.\n\n  #  include \"agent-lib/engine/engine.hpp\"  // comment\n");
  EXPECT_THAT(found(), ElementsAre(HasSubstr("cli/main.cpp:3: cli may not use agent-lib/engine")));
}

TEST_F(PlantedTree, EventsMayNotUseTheHost) {
  plant_include("agent-lib/events/event_xml.cpp", "\"agent-lib/host/host.hpp\"");
  EXPECT_THAT(found(), SizeIs(1));
}

TEST_F(PlantedTree, ForeignHeadersHaveOneHome) {
  plant_include("agent-lib/engine/a.cpp", "<Windows.h>");
  plant_include("agent-lib/engine/b.cpp", "<grpcpp/support/status.h>");
  plant_include("agent-lib/engine/c.cpp", "\"rdpmend/v1/agent.grpc.pb.h\"");
  plant_include("service/app.cpp", "<boost/log/core.hpp>");
  plant_include("service/rpc/d.cpp", "<boost/asio.hpp>");
  plant_include("agent-lib/probe/e.cpp", "<boost/asio/ssl.hpp>");
  plant_include("service/rpc/f.cpp", "<sqlite3.h>");
  plant_include("agent-lib/sim/g.cpp", "<sys/socket.h>");
  plant_include("service/h.cpp", "<condition_variable>");
  EXPECT_THAT(found(), SizeIs(9));
}

TEST_F(PlantedTree, EachFolderOfTheServiceHasARowOfItsOwn) {
  plant_include("service/store/a.cpp", "\"service/rpc/server.hpp\"");
  plant_include("service/rpc/b.cpp", "\"service/app.hpp\"");
  plant_include("service/new_room/deep/c.cpp", "\"agent-lib/win32/os.hpp\"");
  EXPECT_THAT(found(), UnorderedElementsAre(HasSubstr("service may not use agent-lib/win32"),
                                            HasSubstr("service/rpc may not use service"),
                                            HasSubstr("service/store may not use service/rpc")));
}

TEST_F(PlantedTree, TwoFoldersThatIncludeEachOtherAreFound) {
  plant_include("agent-lib/engine/a.cpp", "\"agent-lib/steps/b.hpp\"");
  plant_include("agent-lib/steps/b.hpp", "\"agent-lib/engine/c.hpp\"");
  EXPECT_THAT(found(), ElementsAre("circle between folders: agent-lib/engine -> agent-lib/steps "
                                   "(agent-lib/engine/a.cpp:2) -> agent-lib/engine (agent-lib/steps/b.hpp:2)"));
}

TEST_F(PlantedTree, ACircleOverSeveralFoldersIsFoundAndTheWayToItIsNotPartOfIt) {
  plant_include("agent-lib/faults/x/a.cpp", "\"agent-lib/faults/kit/b.hpp\"");
  plant_include("agent-lib/faults/kit/b.hpp", "\"agent-lib/faults/y/c.hpp\"");
  plant_include("agent-lib/faults/y/c.hpp", "\"agent-lib/faults/z/d.hpp\"");
  plant_include("agent-lib/faults/z/d.hpp", "\"agent-lib/faults/kit/b.hpp\"");
  const auto circle = HasSubstr("circle between folders: agent-lib/faults/kit -> agent-lib/faults/y");
  EXPECT_THAT(circles(read_tree(root())), ElementsAre(circle));
}

TEST_F(PlantedTree, FoldersThatMeetTwiceWithoutACircleAreNone) {
  plant_include("agent-lib/engine/a.cpp", "\"agent-lib/record/b.hpp\"");
  plant_include("agent-lib/engine/d.cpp", "\"agent-lib/support/c.hpp\"");
  plant_include("agent-lib/record/b.hpp", "\"agent-lib/support/c.hpp\"");
  plant_include("tests/engine/e.cpp", "\"agent-lib/engine/a.hpp\"");
  plant_include("agent-lib/support/c_test.cpp", "\"agent-lib/engine/a.hpp\"");
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(PlantedTree, ProductsMayNotIncludeTests) {
  plant_include("service/app.cpp", "\"tests/e2e/child_process.hpp\"");
  EXPECT_THAT(found(), ElementsAre(HasSubstr("only tests include tests")));
}

TEST_F(PlantedTree, RelativeIncludesAreFound) {
  plant_include("service/app.cpp", "\"../cli/client.hpp\"");
  EXPECT_THAT(found(), ElementsAre(HasSubstr("start at the repository's root")));
}

TEST_F(PlantedTree, AFaultWithoutItsRunbookIsFound) {
  for (const char* name : {"fault.textproto", "scenario.textproto"})
    plant(std::string{"agent-lib/faults/f/x/"} + name, "");
  for (const char* name : {"fault.cpp", "fault_test.cpp"})
    plant(std::string{"agent-lib/faults/f/x/"} + name, "// Why.\n");
  EXPECT_THAT(found(), ElementsAre(HasSubstr("agent-lib/faults/f/x/RUNBOOK.md")));
}

TEST_F(PlantedTree, AFileWithoutAnOpeningCommentIsFound) {
  plant("service/app.cpp", "#include \"service/app.hpp\"\n");
  plant("packaging/lib.sh", "#!/bin/sh\necho\n");
  EXPECT_THAT(found(), SizeIs(2));
}

TEST_F(PlantedTree, AStrangerAtTheTopLevelIsFound) {
  plant("notes.txt", "");
  plant(".hidden", "");
  plant("build/x.cpp", "");
  EXPECT_THAT(found(), ElementsAre(HasSubstr("notes.txt")));
}

}  // namespace
}  // namespace rdpmend::architecture
