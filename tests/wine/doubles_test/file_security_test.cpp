// What is set on a key file is read back, by another handle, through the documented API.
#include <aclapi.h>
#include <gtest/gtest.h>
#include <sddl.h>

#include <filesystem>
#include <fstream>

#include "tests/wine/lab/file_security.hpp"
#include "tests/wine/lab/text.hpp"

namespace rdpmend::lab {
namespace {

constexpr wchar_t k_path[] = L"C:\\ProgramData\\Microsoft\\Crypto\\RSA\\MachineKeys\\laboratory_test";

std::string dacl_of(const wchar_t* path) {
  PSECURITY_DESCRIPTOR descriptor = nullptr;
  EXPECT_EQ(GetNamedSecurityInfoW(path, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION, nullptr, nullptr, nullptr, nullptr,
                                  &descriptor),
            DWORD{ERROR_SUCCESS});
  LPWSTR text = nullptr;
  EXPECT_TRUE(ConvertSecurityDescriptorToStringSecurityDescriptorW(descriptor, SDDL_REVISION_1,
                                                                   DACL_SECURITY_INFORMATION, &text, nullptr));
  const std::string out = narrow(text);
  LocalFree(text);
  LocalFree(descriptor);
  return out;
}

TEST(FileSecurity, AnAccessListIsKeptAndForgottenWithTheFile) {
  keep_file_security();
  std::filesystem::create_directories(std::filesystem::path(k_path).parent_path());
  std::ofstream{std::filesystem::path(k_path)} << "key";

  constexpr wchar_t k_stock[] = L"D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;NS)";
  PSECURITY_DESCRIPTOR wanted = nullptr;
  ASSERT_TRUE(ConvertStringSecurityDescriptorToSecurityDescriptorW(k_stock, SDDL_REVISION_1, &wanted, nullptr));
  BOOL present = FALSE, defaulted = FALSE;
  PACL list = nullptr;
  ASSERT_TRUE(GetSecurityDescriptorDacl(wanted, &present, &list, &defaulted));
  const HANDLE file = CreateFileW(k_path, READ_CONTROL | WRITE_DAC, 7, nullptr, OPEN_EXISTING, 0, nullptr);
  ASSERT_NE(file, INVALID_HANDLE_VALUE);
  EXPECT_EQ(SetSecurityInfo(file, SE_FILE_OBJECT, DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
                            nullptr, nullptr, list, nullptr),
            DWORD{ERROR_SUCCESS});
  CloseHandle(file);
  LocalFree(wanted);
  EXPECT_EQ(dacl_of(k_path), narrow(k_stock));

  forget_file_security(k_path);
  EXPECT_NE(dacl_of(k_path), narrow(k_stock)) << "Wine's own, made of the file's mode";
  std::filesystem::remove(k_path);
}

}  // namespace
}  // namespace rdpmend::lab
