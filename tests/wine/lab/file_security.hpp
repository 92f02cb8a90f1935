// Access lists of key files. Wine keeps Unix permissions instead of them: what was set cannot be read back, and nobody
// is refused. Below the folder of machine keys this process then keeps them as Windows does, in the laboratory's
// registry key, for all processes that do the same, and obeys them as the account that it stands for.
//
// Done where Wine falls short, at the system calls by which its advapi32 and kernelbase, and the program itself, reach
// the file system, so that every function of the documented API sees it: CreateFile, GetSecurityInfo, SetSecurityInfo,
// GetNamedSecurityInfo, GetFileSecurity, GetKernelObjectSecurity and so on.
// https://learn.microsoft.com/windows/win32/secauthz/low-level-access-control
#pragma once

#include <optional>
#include <string_view>

#include "tests/wine/lab/access_check.hpp"

namespace rdpmend::lab {

// nullopt: nobody is refused anything; who makes the laboratory and breaks it.
void keep_file_security(std::optional<Account> account);

}  // namespace rdpmend::lab
