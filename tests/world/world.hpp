// A host, the service on it, and the world around them, over virtual time: what happens is decided by a seed alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rdpmend/v1/config.pb.h"
#include "tests/engine/rehearsed_engine.hpp"
#include "tests/world/deeds.hpp"
#include "tests/world/witness.hpp"

namespace rdpmend::world {

struct Figures {
  Duration time{};
  std::uint64_t deeds = 0, faults = 0, commands = 0, refused = 0, wrong_calls = 0, crashes = 0, restarts = 0;
  std::uint64_t incidents = 0, repairs = 0, repaired = 0, undone = 0, blocked = 0, entries = 0;

  void add(const Figures& other);
};
std::string to_string(const Figures& figures);

class World {
 public:
  World(std::uint64_t seed, std::vector<Deed> deeds);

  // The deeds, then days in which the world leaves the host alone. What was wrong, a complaint a line; empty: nothing.
  std::string run(Duration time);
  Figures figures() const;
  // The newest journal entries, a line each.
  std::string newest_entries(std::size_t count);

 private:
  void live(Duration time);
  void let_pass(Duration time);
  void start();
  void end(bool crashed);
  template <class Doing>
  void outlive(Doing doing);  // Starts the service again if doing this ends it.

  void act(const Deed& deed);
  void break_something(std::uint64_t choice);
  void mend_something(std::uint64_t choice);
  void edit_something(std::uint64_t choice);
  void command(const Deed& deed);
  void move_clock(std::uint64_t choice);
  void disturb_event_log(std::uint64_t choice);
  void change(const v1::SimChange& change);

  void leave_alone();
  void check_stillness();
  void check_ends();
  std::uint64_t probes();

  static v1::Scenario scenario(std::uint64_t seed);
  static v1::PolicyConfig policy(std::uint64_t seed);

  const std::uint64_t seed_;
  const std::vector<Deed> deeds_;
  const v1::PolicyConfig policy_;
  sim::SimHost host_;
  Witness witness_{host_};
  std::unique_ptr<test::RehearsedEngine> service_;
  Duration passed_{};
  std::uint64_t starts_ = 0;
  Figures figures_;
};

}  // namespace rdpmend::world
