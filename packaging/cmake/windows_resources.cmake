# Version and manifest of our programs, and the library of the event log's messages.

# Compiles the resource script TEMPLATE, with the variables of the caller in it, into the target's object.
function(rdpmend_add_resources target template depends)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${target}_resources)
  configure_file(${template} ${folder}/${target}.rc @ONLY)
  # A target of its own: the compiler's flags are not the resource compiler's.
  add_library(${target}_resources OBJECT ${folder}/${target}.rc)
  target_include_directories(${target}_resources PRIVATE ${folder})
  set_source_files_properties(${folder}/${target}.rc PROPERTIES OBJECT_DEPENDS "${depends}")
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:${target}_resources>)
endfunction()

# rdpmend_windows_resources(<target> <description>)
function(rdpmend_windows_resources target description)
  set(RDPMEND_FILE ${target}.exe)
  set(RDPMEND_FILE_TYPE VFT_APP)
  set(RDPMEND_DESCRIPTION ${description})
  set(RDPMEND_FILE_VERSION ${PROJECT_VERSION})
  string(REPLACE "." "," RDPMEND_FILE_NUMBERS ${PROJECT_VERSION})
  set(manifest ${CMAKE_SOURCE_DIR}/packaging/windows/app.manifest)
  set(RDPMEND_CONTENT "1 24 \"${manifest}\"")
  rdpmend_add_resources(${target} ${CMAKE_SOURCE_DIR}/packaging/windows/program.rc.in "${manifest}")
  if(MSVC)
    target_link_options(${target} PRIVATE /MANIFEST:NO)  # Ours is a resource.
  endif()
endfunction()

# rdpmend_message_library(<target> <name> <messages.mc>): NAME.dll, which has resources and no code. Whoever shows
# events keeps it open, so its version is not the project's: a new project version with the same texts replaces nothing.
# It stands in the texts: "; Version: 1.2.3".
function(rdpmend_message_library target name messages)
  file(STRINGS ${messages} version REGEX "^; Version: [0-9]+\\.[0-9]+\\.[0-9]+$")
  string(REGEX MATCH "[0-9.]+$" version "${version}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${messages})
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${target}_resources)
  file(MAKE_DIRECTORY ${folder})
  # mc.exe of the Windows SDK and windmc of binutils take the same file and write messages.rc beside its .bin.
  find_program(RDPMEND_MESSAGE_COMPILER NAMES x86_64-w64-mingw32-windmc mc REQUIRED)
  add_custom_command(
    OUTPUT ${folder}/messages.rc
    COMMAND ${RDPMEND_MESSAGE_COMPILER} -h ${folder} -r ${folder} ${messages}
    DEPENDS ${messages}
    COMMENT "Compiling the event log's messages"
    VERBATIM)
  add_library(${target} SHARED)
  set(RDPMEND_FILE ${name}.dll)
  set(RDPMEND_FILE_TYPE VFT_DLL)
  set(RDPMEND_DESCRIPTION "Texts of rdpmend's events")
  set(RDPMEND_FILE_VERSION ${version})
  string(REPLACE "." "," RDPMEND_FILE_NUMBERS ${version})
  set(RDPMEND_CONTENT "#include \"messages.rc\"")
  rdpmend_add_resources(${target} ${CMAKE_SOURCE_DIR}/packaging/windows/program.rc.in ${folder}/messages.rc)
  set_target_properties(${target} PROPERTIES
    PREFIX "" IMPORT_PREFIX "" OUTPUT_NAME ${name} LINKER_LANGUAGE CXX
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_RUNTIME_OUTPUT_DIRECTORY})
  if(MSVC)
    target_link_options(${target} PRIVATE /NOENTRY)
  else()
    target_link_options(${target} PRIVATE -nostdlib -Wl,--entry,0 -s)
  endif()
endfunction()
