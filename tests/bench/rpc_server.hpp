// The server side of the RPC benchmark: the whole service on a healthy rehearsed host, and beside it in the same
// process a bare gRPC method with the same keys and nothing behind it.
#pragma once

namespace rdpmend::bench {

inline constexpr const char* k_serve = "--serve";

// Prints "profile PATH" and "echo ADDRESS:PORT", and serves until SIGTERM.
int serve();

}  // namespace rdpmend::bench
