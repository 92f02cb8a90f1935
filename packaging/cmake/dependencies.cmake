# Every library that we use. README.md says why each is there.

set(Boost_NO_WARN_NEW_VERSIONS ON)
if(MINGW)
  set(Boost_USE_STATIC_LIBS ON)
  set(Boost_USE_STATIC_RUNTIME ON)
  set(ZLIB_USE_STATIC_LIBS ON)  # Which gRPC looks for.
endif()
if(CMAKE_CROSSCOMPILING)
  # The native generators of the same versions make the code.
  find_program(Protobuf_PROTOC_EXECUTABLE protoc REQUIRED)
  find_program(RDPMEND_GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)
  add_executable(gRPC::grpc_cpp_plugin IMPORTED)
  set_target_properties(gRPC::grpc_cpp_plugin PROPERTIES IMPORTED_LOCATION ${RDPMEND_GRPC_CPP_PLUGIN})
endif()
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS log)
find_package(OpenSSL 3.0 REQUIRED)
if(MSVC)
  find_package(Protobuf CONFIG REQUIRED)  # vcpkg's is newer than what CMake's own module knows.
else()
  find_package(Protobuf REQUIRED)
endif()
find_package(gRPC CONFIG REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(pugixml REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tl-expected REQUIRED)
if(BUILD_TESTING)
  find_package(GTest REQUIRED)
  if(NOT WIN32)
    find_package(benchmark REQUIRED)
  endif()
endif()

# Boost.Asio as it is used here: headers only, one definition of its options.
add_library(rdpmend_asio INTERFACE)
target_link_libraries(rdpmend_asio INTERFACE Boost::headers Threads::Threads)
# On Windows the words of its errors would otherwise be in the ANSI code page, which protobuf refuses.
target_compile_definitions(rdpmend_asio INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_SYSTEM_USE_UTF8)
if(MINGW)
  # Else every source has pthreads or Windows threads within Asio, as what it includes first decides
  # (boost/asio/detail/config.hpp looks for _POSIX_THREADS), and one kind joins the other's threads for ever.
  target_compile_definitions(rdpmend_asio INTERFACE BOOST_ASIO_HAS_PTHREADS=1)
  target_link_libraries(rdpmend_asio INTERFACE ws2_32 mswsock)  # MSVC links them by itself.
endif()
