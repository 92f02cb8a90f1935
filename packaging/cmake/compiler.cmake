# Warnings, hardening and sanitizers, and the two functions by which every target of ours is made.

set(RDPMEND_SANITIZE "" CACHE STRING "Sanitizers to build with, for example 'address,undefined' or 'thread'")

add_library(rdpmend_compiler INTERFACE)
target_include_directories(rdpmend_compiler INTERFACE ${CMAKE_SOURCE_DIR})
if(MSVC)
  target_compile_options(rdpmend_compiler INTERFACE /W4 /WX /utf-8 /permissive-)
else()
  # GCC's sanitizers make its flow analysis see ghosts: there a warning is only a warning.
  # https://gcc.gnu.org/onlinedocs/gcc-12.2.0/gcc/Instrumentation-Options.html
  set(warnings_are_errors -Werror)
  if(CMAKE_UNITY_BUILD)
    # To GCC a source that another includes is a header, where a type of an anonymous namespace would be a mistake.
    list(APPEND warnings_are_errors -Wno-error=subobject-linkage)
  endif()
  if(RDPMEND_SANITIZE)
    set(warnings_are_errors)
  endif()
  target_compile_options(rdpmend_compiler INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual ${warnings_are_errors}
    -fstack-protector-strong)
  # GCC 12 reports these inside libstdc++ and protobuf at -O2: https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105329
  target_compile_options(rdpmend_compiler INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
endif()
if(MINGW)
  target_link_options(rdpmend_compiler INTERFACE -fstack-protector-strong)  # Links the library behind it.
  # Without futexes GCC 12's own semaphores lose wake-ups (bits/atomic_wait.h compares before it locks): the destructor of
  # a std::stop_callback whose callback runs at that moment then waits for ever, and so does whoever stops a thread.
  target_compile_definitions(rdpmend_compiler INTERFACE _GLIBCXX_USE_POSIX_SEMAPHORE=1)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT MSVC AND NOT RDPMEND_SANITIZE)
  target_compile_definitions(rdpmend_compiler INTERFACE _FORTIFY_SOURCE=2)
endif()
if(MINGW)
  # The same program from the same sources, whatever folder they lie in and whenever it is built: packaging/reproducible.sh.
  # Also for generated code, which is no part of rdpmend_compiler.
  add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
  add_link_options(-Wl,--no-insert-timestamp)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND MINGW)
  # Lines and functions for who looks into a crash; windows_program.cmake keeps them beside the programs. Other programs
  # are linked without: symbols are half of a static one.
  add_compile_options(-g1)
  target_link_options(rdpmend_compiler INTERFACE $<$<NOT:$<BOOL:$<TARGET_PROPERTY:RDPMEND_KEEP_SYMBOLS>>>:-s>)
endif()
if(RDPMEND_SANITIZE MATCHES "thread")
  # Boost.Asio's fences, which the thread sanitizer does not know; Asio locks a mutex besides.
  target_compile_options(rdpmend_compiler INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
endif()
if(RDPMEND_SANITIZE)
  set(RDPMEND_SANITIZE_OPTIONS -fsanitize=${RDPMEND_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  if(RDPMEND_SANITIZE MATCHES "thread")
    # Under this macro protobuf's headers lay their classes out differently (PROTOBUF_TSAN in port_def.inc) than Debian's
    # library, which was built without it: map fields then crash.
    list(APPEND RDPMEND_SANITIZE_OPTIONS -U__SANITIZE_THREAD__)
  endif()
  target_compile_options(rdpmend_compiler INTERFACE ${RDPMEND_SANITIZE_OPTIONS})
  target_link_options(rdpmend_compiler INTERFACE -fsanitize=${RDPMEND_SANITIZE})
endif()

# Sanitized code must not pass containers to code that is not; the generated code gets the same flags but no warnings.
function(rdpmend_library name)
  add_library(${name} STATIC ${ARGN})
  target_link_libraries(${name} PUBLIC rdpmend_compiler)
endfunction()

function(rdpmend_executable name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE rdpmend_compiler)
endfunction()
