// What is set on a key file is read back, by another handle, through the documented API, and obeyed.
#include <aclapi.h>
#include <gtest/gtest.h>
#include <sddl.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/wine/lab/file_security.hpp"
#include "tests/wine/lab/text.hpp"

namespace rdpmend::lab {
namespace {

constexpr wchar_t k_path[] = L"C:\\ProgramData\\Microsoft\\Crypto\\RSA\\MachineKeys\\laboratory_test";
constexpr wchar_t k_other_path[] = L"C:\\ProgramData\\Microsoft\\Crypto\\RSA\\MachineKeys\\laboratory_other";

// As whoever makes the laboratory, then as `account`.
class FileSecurity : public testing::Test {
 protected:
  void SetUp() override {
    keep_file_security(std::nullopt);
    std::filesystem::create_directories(std::filesystem::path(k_path).parent_path());
    DeleteFileW(k_path);
    std::ofstream{std::filesystem::path(k_path)} << "key";
  }
  void TearDown() override {
    keep_file_security(std::nullopt);
    DeleteFileW(k_path);
    DeleteFileW(k_other_path);
  }

  static void set(const std::wstring& sddl) {
    PSECURITY_DESCRIPTOR wanted = nullptr;
    ASSERT_TRUE(ConvertStringSecurityDescriptorToSecurityDescriptorW(sddl.c_str(), SDDL_REVISION_1, &wanted, nullptr));
    BOOL present = FALSE, defaulted = FALSE;
    PACL list = nullptr;
    PSID owner = nullptr;
    ASSERT_TRUE(GetSecurityDescriptorDacl(wanted, &present, &list, &defaulted));
    ASSERT_TRUE(GetSecurityDescriptorOwner(wanted, &owner, &defaulted));
    EXPECT_EQ(SetNamedSecurityInfoW(
                  std::wstring(k_path).data(), SE_FILE_OBJECT,
                  OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, owner,
                  nullptr, list, nullptr),
              DWORD{ERROR_SUCCESS});
    LocalFree(wanted);
  }
  static std::string read(const wchar_t* path) {
    constexpr SECURITY_INFORMATION k_what = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    PSECURITY_DESCRIPTOR descriptor = nullptr;
    EXPECT_EQ(GetNamedSecurityInfoW(path, SE_FILE_OBJECT, k_what, nullptr, nullptr, nullptr, nullptr, &descriptor),
              DWORD{ERROR_SUCCESS});
    LPWSTR text = nullptr;
    EXPECT_TRUE(
        ConvertSecurityDescriptorToStringSecurityDescriptorW(descriptor, SDDL_REVISION_1, k_what, &text, nullptr));
    const std::string out = narrow(text);
    LocalFree(text);
    LocalFree(descriptor);
    return out;
  }
  // CreateFile adds SYNCHRONIZE and FILE_READ_ATTRIBUTES.
  static DWORD open(DWORD rights) {
    const HANDLE file = CreateFileW(k_path, rights, 7, nullptr, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, nullptr);
    if (file == INVALID_HANDLE_VALUE) return GetLastError();
    CloseHandle(file);
    return ERROR_SUCCESS;
  }
};

TEST_F(FileSecurity, AListAndAnOwnerAreKeptAndForgottenWithTheFile) {
  constexpr wchar_t k_stock[] = L"O:SYD:P(A;;FA;;;SY)(A;;FR;;;NS)";
  set(k_stock);
  EXPECT_EQ(read(k_path), narrow(k_stock));
  ASSERT_TRUE(DeleteFileW(k_path));
  std::ofstream{std::filesystem::path(k_path)} << "another";
  EXPECT_NE(read(k_path), narrow(k_stock)) << "Wine's own, made of the file's mode";
}

TEST_F(FileSecurity, AFileThatIsRenamedTakesItsListAlong) {
  constexpr wchar_t k_stock[] = L"O:SYD:P(A;;FA;;;SY)(A;;FR;;;NS)";
  set(k_stock);
  ASSERT_TRUE(MoveFileExW(k_path, k_other_path, MOVEFILE_REPLACE_EXISTING));
  EXPECT_EQ(read(k_other_path), narrow(k_stock));
}

TEST_F(FileSecurity, WhoHasNoEntryIsRefused) {
  set(L"O:BAD:P(A;;FA;;;SY)(A;;FR;;;NS)");
  keep_file_security(Account::network_service);
  EXPECT_EQ(open(GENERIC_READ), DWORD{ERROR_SUCCESS});
  EXPECT_EQ(open(GENERIC_WRITE), DWORD{ERROR_ACCESS_DENIED});
  keep_file_security(std::nullopt);
  set(L"O:BAD:P(A;;FA;;;SY)");
  keep_file_security(Account::network_service);
  EXPECT_EQ(open(GENERIC_READ), DWORD{ERROR_ACCESS_DENIED});
}

TEST_F(FileSecurity, ADenyEntryRefusesWhateverStandsBehindIt) {
  set(L"O:BAD:P(D;;FR;;;NS)(A;;FA;;;NS)");
  keep_file_security(Account::network_service);
  EXPECT_EQ(open(GENERIC_READ), DWORD{ERROR_ACCESS_DENIED});
}

TEST_F(FileSecurity, AnOwnerWithoutAnEntryIsRefusedByCreateFileWhichAsksForMore) {
  set(L"O:SYD:P(A;;FR;;;NS)");
  keep_file_security(Account::system);
  EXPECT_EQ(open(READ_CONTROL | WRITE_DAC), DWORD{ERROR_ACCESS_DENIED});
}

TEST_F(FileSecurity, AnAdministratorsEntryIsSystemsToo) {
  set(L"O:SYD:P(A;;0x120089;;;NS)(A;;0x120089;;;BA)");
  keep_file_security(Account::system);
  EXPECT_EQ(open(READ_CONTROL | WRITE_DAC), DWORD{ERROR_SUCCESS});
}

}  // namespace
}  // namespace rdpmend::lab
