# What makes a Windows program of ours: resources, libraries from System32 alone, and symbols beside it.
include(windows_resources)

# DLLs that our programs use and Windows does not know by name (KnownDLLs): an import is looked for beside the program
# first, before any line of it runs, and beside a program in Downloads anybody can lay a DLL. So they are loaded when they
# are first called, from System32 alone: service/os/system_libraries_win32.cpp. packaging/msi/check.sh proves the
# import tables. https://learn.microsoft.com/windows/win32/dlls/dynamic-link-library-search-order
set(RDPMEND_LATE_LIBRARIES bcrypt crypt32 dbghelp iphlpapi mswsock ncrypt netapi32 wevtapi wtsapi32)

# GNU ld has no option for that, but takes an import library that loads late in place of the usual one. Ours stand in a
# folder that is searched first, so that whoever names such a library gets ours. Sets `folder`.
function(rdpmend_late_import_libraries folder)
  set(made ${CMAKE_BINARY_DIR}/late_libraries)
  set(${folder} ${made} PARENT_SCOPE)
  if(TARGET rdpmend_late_libraries)
    return()
  endif()
  find_program(RDPMEND_DLLTOOL x86_64-w64-mingw32-dlltool REQUIRED)
  find_program(RDPMEND_NM x86_64-w64-mingw32-nm REQUIRED)
  file(MAKE_DIRECTORY ${made})
  set(libraries)
  foreach(name IN LISTS RDPMEND_LATE_LIBRARIES)
    find_library(RDPMEND_USUAL_${name} ${name} REQUIRED)
    add_custom_command(
      OUTPUT ${made}/lib${name}.a
      COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DUSUAL=${RDPMEND_USUAL_${name}} -DOUTPUT=${made}/lib${name}.a
              -DDLLTOOL=${RDPMEND_DLLTOOL} -DNM=${RDPMEND_NM}
              -P ${CMAKE_SOURCE_DIR}/packaging/cmake/late_library.cmake
      DEPENDS ${CMAKE_SOURCE_DIR}/packaging/cmake/late_library.cmake
      COMMENT "Making the late import library of ${name}.dll"
      VERBATIM)
    list(APPEND libraries ${made}/lib${name}.a)
  endforeach()
  add_custom_target(rdpmend_late_libraries DEPENDS ${libraries})
endfunction()

# rdpmend_windows_program(<target> <description>)
function(rdpmend_windows_program target description)
  rdpmend_windows_resources(${target} ${description})
  target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/service/os/system_libraries_win32.cpp)
  if(MSVC)
    foreach(name IN LISTS RDPMEND_LATE_LIBRARIES)
      target_link_options(${target} PRIVATE /DELAYLOAD:${name}.dll)
    endforeach()
    target_link_options(${target} PRIVATE /DEPENDENTLOADFLAG:0x800)  # LOAD_LIBRARY_SEARCH_SYSTEM32
    target_link_libraries(${target} PRIVATE delayimp)
    return()
  endif()
  rdpmend_late_import_libraries(folder)
  add_dependencies(${target} rdpmend_late_libraries)
  target_link_options(${target} PRIVATE -L${folder})
  target_link_libraries(${target} PRIVATE -ldelayimp)
  if(CMAKE_BUILD_TYPE STREQUAL "Release")
    set_target_properties(${target} PROPERTIES RDPMEND_KEEP_SYMBOLS ON)
    set(program $<TARGET_FILE:${target}>)
    set(epoch ${CMAKE_COMMAND} -E env SOURCE_DATE_EPOCH=0)  # Else each of them writes the moment into the program.
    add_custom_command(TARGET ${target} POST_BUILD
      COMMAND ${epoch} ${CMAKE_OBJCOPY} --only-keep-debug ${program} ${program}.debug
      COMMAND ${epoch} ${CMAKE_STRIP} ${program}
      COMMAND ${epoch} ${CMAKE_OBJCOPY} --add-gnu-debuglink=${program}.debug ${program}
      VERBATIM)
  endif()
endfunction()
