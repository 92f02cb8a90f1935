# Writes OUTPUT: make_faults() for the folders named in FAULTS, each as family/fault. Its fault.cpp defines
#   std::unique_ptr<rdpmend::Fault> rdpmend::faults::<family>::make_<fault>();
# Run with cmake -P.
set(text "// Generated while building; see packaging/cmake/fault_registry.cmake.\n#include \"agent-lib/engine/fault.hpp\"\n\n")
string(APPEND text "namespace rdpmend {\n\nnamespace faults {\n")
foreach(fault IN LISTS FAULTS)
  string(REPLACE "/" "::make_" made ${fault})
  list(APPEND all ${made})
  string(REGEX MATCH "^[^/]+" family ${fault})
  string(REGEX MATCH "[^/]+$" name ${fault})
  string(APPEND text "namespace ${family} {\nstd::unique_ptr<Fault> make_${name}();\n}\n")
endforeach()
string(APPEND text "}  // namespace faults\n\nstd::vector<std::unique_ptr<Fault>> make_faults() {\n")
string(APPEND text "  std::vector<std::unique_ptr<Fault>> all;\n")
foreach(made IN LISTS all)
  string(APPEND text "  all.push_back(faults::${made}());\n")
endforeach()
string(APPEND text "  return all;\n}\n\n}  // namespace rdpmend\n")
file(WRITE ${OUTPUT} "${text}")
