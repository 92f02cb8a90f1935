# Version, manifest and message resources of our programs.

# rdpmend_windows_resources(<target> <description> [<messages.mc>])
function(rdpmend_windows_resources target description)
  set(RDPMEND_PROGRAM ${target})
  set(RDPMEND_DESCRIPTION ${description})
  set(RDPMEND_MANIFEST ${CMAKE_SOURCE_DIR}/packaging/windows/app.manifest)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${target}_resources)
  file(MAKE_DIRECTORY ${folder})
  set(depends ${RDPMEND_MANIFEST})
  if(ARGN)
    # mc.exe of the Windows SDK and windmc of binutils take the same file and write messages.rc beside its .bin.
    find_program(RDPMEND_MESSAGE_COMPILER NAMES x86_64-w64-mingw32-windmc mc REQUIRED)
    add_custom_command(
      OUTPUT ${folder}/messages.rc
      COMMAND ${RDPMEND_MESSAGE_COMPILER} -h ${folder} -r ${folder} ${ARGN}
      DEPENDS ${ARGN}
      COMMENT "Compiling the event log's messages"
      VERBATIM)
    list(APPEND depends ${folder}/messages.rc)
    set(RDPMEND_MORE_RESOURCES "#include \"messages.rc\"")
  endif()
  configure_file(${CMAKE_SOURCE_DIR}/packaging/windows/program.rc.in ${folder}/program.rc @ONLY)
  # A target of its own: the compiler's flags are not the resource compiler's.
  add_library(${target}_resources OBJECT ${folder}/program.rc)
  target_include_directories(${target}_resources PRIVATE ${folder})
  set_source_files_properties(${folder}/program.rc PROPERTIES OBJECT_DEPENDS "${depends}")
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:${target}_resources>)
  if(MSVC)
    target_link_options(${target} PRIVATE /MANIFEST:NO)  # Ours is a resource.
  endif()
endfunction()
