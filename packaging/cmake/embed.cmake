# Data files that are compiled in: checked against their protobuf schema while building, so that a misspelt field
# fails with line and column, and embedded in binary form.

# rdpmend_embed_textproto(<target> <message> <function> <file>...)
# Adds to <target> a source which defines
#   const std::vector<std::string_view>& rdpmend::embedded::<function>();
# one serialized rdpmend.v1.<message> per file, in the given order.
function(rdpmend_embed_textproto target message function)
  set(binaries)
  foreach(file IN LISTS ARGN)
    file(RELATIVE_PATH relative ${CMAKE_SOURCE_DIR} ${file})
    set(binary ${CMAKE_BINARY_DIR}/embedded/${target}/${relative}.bin)
    cmake_path(GET binary PARENT_PATH folder)
    file(MAKE_DIRECTORY ${folder})
    add_custom_command(
      OUTPUT ${binary}
      COMMAND protobuf::protoc --proto_path=${CMAKE_SOURCE_DIR}/proto
              --encode=rdpmend.v1.${message} ${RDPMEND_PROTO_FILES} < ${file} > ${binary}
      DEPENDS ${file} ${RDPMEND_PROTO_FILES}
      COMMENT "Checking ${relative}"
      VERBATIM)
    list(APPEND binaries ${binary})
  endforeach()
  set(source ${CMAKE_BINARY_DIR}/embedded/${target}_${function}.cpp)
  add_custom_command(
    OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${source} -DFUNCTION=${function} "-DFILES=${binaries}"
            -P ${CMAKE_SOURCE_DIR}/packaging/cmake/embed_files.cmake
    DEPENDS ${binaries} ${CMAKE_SOURCE_DIR}/packaging/cmake/embed_files.cmake
    COMMENT "Embedding ${function}"
    VERBATIM)
  target_sources(${target} PRIVATE ${source})
  set_source_files_properties(${source} PROPERTIES SKIP_UNITY_BUILD_INCLUSION TRUE)  # Its names are those of the next.
endfunction()
