// The one include of Boost.Asio's TLS streams: they draw in OpenSSL, which asio.hpp does not.
#pragma once

#include "agent-lib/support/asio.hpp"

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
