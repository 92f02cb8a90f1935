// The one include of the Windows headers: winsock2.h must come before windows.h, which would bring in its predecessor.
// https://learn.microsoft.com/windows/win32/winsock/creating-a-basic-winsock-application
#pragma once

#include <winsock2.h>

#include <ws2tcpip.h>

#include <windows.h>
