// Access lists of key files. Wine keeps Unix permissions instead of them: what was set cannot be read back. Below the
// folder of machine keys this process then keeps them as Windows does, in the laboratory's registry key, for all
// processes that do the same.
//
// Done where Wine falls short, at the two system calls by which its advapi32 and kernelbase reach the file system, so
// that every function of the documented API sees it: GetSecurityInfo, SetSecurityInfo, GetNamedSecurityInfo,
// GetFileSecurity, GetKernelObjectSecurity and so on.
// https://learn.microsoft.com/windows/win32/secauthz/low-level-access-control
#pragma once

#include <string_view>

namespace rdpmend::lab {

void keep_file_security();

// What the file system forgets with a file: lists of files that are gone.
void forget_file_security(std::wstring_view path);

}  // namespace rdpmend::lab
