// The library by which Windows shows our events has a text for each of them, as Event Viewer asks for it.
#ifdef _WIN32

#include <gtest/gtest.h>
#include <windows.h>

#include <array>

#include "service/event_log/event_messages.hpp"
#include "service/event_log/event_source.hpp"
#include "service/hosting/scm_service.hpp"

namespace rdpmend {
namespace {

TEST(MessageLibrary, has_the_text_of_every_kind_and_fills_its_inserts) {
  const auto program = program_file();
  ASSERT_TRUE(program);
  const HMODULE library = LoadLibraryExW(message_file(*program).c_str(), nullptr,
                                         LOAD_LIBRARY_AS_DATAFILE | LOAD_LIBRARY_AS_IMAGE_RESOURCE);
  ASSERT_NE(library, nullptr) << GetLastError();
  std::array<DWORD_PTR, 9> inserts{};
  inserts.fill(reinterpret_cast<DWORD_PTR>(L"<insert>"));
  for (const auto& kind : event_kinds()) {
    constexpr unsigned k_severity_bit = 30;
    const DWORD id = (static_cast<DWORD>(kind.severity) << k_severity_bit) | kind.id;
    std::array<wchar_t, 4096> text{};
    const DWORD size =
        FormatMessageW(FORMAT_MESSAGE_FROM_HMODULE | FORMAT_MESSAGE_ARGUMENT_ARRAY, library, id, 0, text.data(),
                       static_cast<DWORD>(text.size()), reinterpret_cast<va_list*>(inserts.data()));
    EXPECT_GT(size, 10U) << kind.id << ": " << GetLastError();
    const bool filled = std::wstring(text.data(), size).find(L"<insert>") != std::wstring::npos;
    EXPECT_EQ(filled, kind.inserts > 0) << kind.id;
  }
  FreeLibrary(library);
}

}  // namespace
}  // namespace rdpmend

#endif
