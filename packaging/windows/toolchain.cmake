# Windows x64 from Debian: mingw-w64's GCC with posix threads (std::thread), everything static.
# The libraries are those that dependencies.sh built; build/windows-prefix points at them.

set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc-posix)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)

# The link, not what it points at: then a build folder that is there already goes over to other libraries too.
cmake_path(SET windows_prefix NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../../build/windows-prefix)
if(DEFINED ENV{RDPMEND_WINDOWS_PREFIX})  # While dependencies.sh builds them.
  set(windows_prefix $ENV{RDPMEND_WINDOWS_PREFIX})
endif()
set(CMAKE_FIND_ROOT_PATH ${windows_prefix} /usr/x86_64-w64-mingw32)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# Windows 10 and Server 2016, the oldest that we serve.
set(CMAKE_C_FLAGS_INIT "-D_WIN32_WINNT=0x0A00")
set(CMAKE_CXX_FLAGS_INIT "-D_WIN32_WINNT=0x0A00")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static -Wl,--dynamicbase,--nxcompat,--high-entropy-va")
# After the static libraries, which need them.
set(windows_libraries "-lws2_32 -lcrypt32 -lbcrypt -liphlpapi -lgdi32 -luser32 -ladvapi32 -lkernel32 -ldbghelp")
set(CMAKE_C_STANDARD_LIBRARIES ${windows_libraries} CACHE STRING "" FORCE)
set(CMAKE_CXX_STANDARD_LIBRARIES ${windows_libraries} CACHE STRING "" FORCE)
