// The certificate that a listener presented, described as it is: nothing is verified, self-signed is normal here.
#pragma once

#include <openssl/x509.h>

#include "rdpmend/v1/probe.pb.h"

namespace rdpmend {

v1::ServedCertificate describe_certificate(const X509& certificate);

}  // namespace rdpmend
