// The certificate that a listener presented, described as it is: nothing is verified, self-signed is normal here.
#pragma once

#include <openssl/x509.h>

#include <string>

#include "agent-lib/support/result.hpp"
#include "rdpmend/v1/probe.pb.h"

namespace rdpmend {

v1::ServedCertificate describe_certificate(const X509& certificate);
// invalid_argument: this is not an X.509 certificate.
Result<v1::ServedCertificate> describe_certificate(const std::string& der);

}  // namespace rdpmend
