// How rdpmendd ends. --help and README.md tell the same.
#pragma once

namespace rdpmend::exit_code {

inline constexpr int k_ok = 0;          // Ended as asked; rehearse --until-healed: the host is healed.
inline constexpr int k_refused = 1;     // Wrong usage or configuration, or it could not start.
inline constexpr int k_not_healed = 2;  // rehearse --until-healed: the host cannot be healed, or not in time.
inline constexpr int k_differs = 2;     // selftest: something is not as assumed.
inline constexpr int k_hard_stop = 3;   // Something hung while stopping; the next start recovers.

}  // namespace rdpmend::exit_code
