// A machine key container of CryptoAPI with a self-signed certificate in a store for tests.
#pragma once

#include <string>

#include "agent-lib/support/result.hpp"

namespace rdpmend::contract {

inline constexpr const char* k_test_store = "rdpmend contract";
inline constexpr const char* k_test_container = "rdpmend-contract-key";

// Exists from now on, empty.
Status make_test_store();
// Its thumbprint.
Result<std::string> make_certificate_with_key();
// Certificates, store and key are gone.
void remove_test_store();

}  // namespace rdpmend::contract
