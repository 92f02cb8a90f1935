// What connections may cost this host, of strangers and of clients that are let in. Each bound has its reason here, and
// service/SECURITY.md tells of them.
#pragma once

#include <chrono>
#include <cstddef>

#include "agent-lib/support/time.hpp"
#include "service/rpc/rate_limit.hpp"

namespace rdpmend {

struct ConnectionLimits {
  // --- until a client is let in ---
  // A genuine client needs some tens of milliseconds, over a bad line a few seconds.
  Duration handshake = std::chrono::seconds{10};
  // A connection that has said nothing costs a socket, and one that has begun TLS about 60 KiB. The oldest gives way to
  // the newest, so that who holds all the places keeps out nobody.
  std::size_t handshakes_per_address = 32;
  std::size_t handshakes = 128;
  // A handshake costs about a millisecond of a core. Many clients may stand behind one address.
  Rate connections_per_address{200, 50};
  Rate connections{400, 200};

  // --- of one client, in all its connections ---
  // Each costs about 200 KiB. The program needs one, a script that calls it in parallel a few.
  std::size_t connections_per_client = 32;
  // Calls whose answers it has not taken: the largest answer has 2 MiB, and waits in memory.
  std::size_t streams_per_client = 64;
  // Beyond it, reading from the client pauses: nobody is harmed by being fast, and a call a millisecond is fast.
  Rate streams{10'000, 2'000};
  Rate bytes{4 << 20, 512 << 10};
  // Who is held back for so long without a rest does not work but press.
  Duration held_back = std::chrono::seconds{60};
  // A client ends calls early when somebody interrupts it or its deadline passes. Begun and ended at once, calls cost
  // gRPC memory faster than it gives it back (CVE-2023-44487).
  Rate resets{100, 10};
  // SETTINGS, PING and the like, some of which gRPC answers and keeps the answers of. It sends a few a call itself.
  Rate control_frames{20'000, 4'000};
  // What is sent and not read waits in memory; a client that is alive reads.
  Duration unread = std::chrono::seconds{60};
  // Between the last words to a client that was revoked and the end of its connection.
  Duration last_words = std::chrono::seconds{2};

  // --- of all clients together ---
  std::size_t clients_connections = 128;
};

}  // namespace rdpmend
