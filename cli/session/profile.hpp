// The client profile: where a service is, how to know it, and with which certificate to be known.
#pragma once

#include <filesystem>
#include <string>

#include "agent-lib/support/result.hpp"
#include "agent-lib/support/time.hpp"

namespace rdpmend::cli {

// A profile with its files read.
struct Profile {
  std::string file;
  std::string address;
  std::string server_name;
  std::string server_certificate_pem;
  std::string client_certificate_pem;
  std::string client_key_pem;
};

// Of the service on this machine; readable by administrators only, so that the system decides who is one.
std::filesystem::path default_profile_path();

// unauthenticated: no profile, or not allowed to read it; invalid_argument: damaged. Both say what to do.
Result<Profile> read_profile(const std::filesystem::path& file);

// From when on the first certificate of the text is expired. An error if there is none.
Result<WallTime> expiry_of(const std::string& certificate_pem);

}  // namespace rdpmend::cli
