# Every library that we use. README.md says why each is there.

set(Boost_NO_WARN_NEW_VERSIONS ON)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS log)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(pugixml REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tl-expected REQUIRED)
if(BUILD_TESTING)
  find_package(GTest REQUIRED)
  find_package(benchmark REQUIRED)
endif()

# Boost.Asio as it is used here: headers only, one definition of its options.
add_library(rdpmend_asio INTERFACE)
target_link_libraries(rdpmend_asio INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(rdpmend_asio INTERFACE BOOST_ASIO_NO_DEPRECATED)
