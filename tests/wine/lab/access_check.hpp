// Who may do what with a file, by its access list: Wine runs everything as one user and asks nobody.
#pragma once

#include <windows.h>

namespace rdpmend::lab {

// Whom a process of the laboratory stands for.
enum class Account { system, network_service };

// What the list of `file` and being its owner give, and what the list of its folder adds: who may list it may read
// attributes, who may delete from it may delete. Nothing of this implies SYNCHRONIZE. An account's groups count.
// https://learn.microsoft.com/windows/win32/secauthz/how-dacls-control-access-to-an-object, [MS-FSA] 2.1.5.1.2.1
DWORD granted_rights(Account account, PSECURITY_DESCRIPTOR file, PSECURITY_DESCRIPTOR folder);

// What SeBackup and SeRestore give to who opens with backup intent, as far as this thread has enabled them.
// https://learn.microsoft.com/windows/win32/secauthz/privilege-constants
DWORD rights_by_privilege();

// Whether the account may give a file this owner: itself, its group of administrators, or anybody with SeRestore.
bool may_own(Account account, PSID owner);

}  // namespace rdpmend::lab
