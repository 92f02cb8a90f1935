# Writes OUTPUT: make_faults() for the folders named in FAULTS. Each folder's fault.cpp defines
#   std::unique_ptr<rdpmend::Fault> rdpmend::faults::make_<folder>();
# Run with cmake -P.
set(text "// Generated while building; see packaging/cmake/fault_registry.cmake.\n#include \"agent-lib/engine/fault.hpp\"\n\n")
string(APPEND text "namespace rdpmend {\n\nnamespace faults {\n")
foreach(fault IN LISTS FAULTS)
  string(APPEND text "std::unique_ptr<Fault> make_${fault}();\n")
endforeach()
string(APPEND text "}  // namespace faults\n\nstd::vector<std::unique_ptr<Fault>> make_faults() {\n")
string(APPEND text "  std::vector<std::unique_ptr<Fault>> all;\n")
foreach(fault IN LISTS FAULTS)
  string(APPEND text "  all.push_back(faults::make_${fault}());\n")
endforeach()
string(APPEND text "  return all;\n}\n\n}  // namespace rdpmend\n")
file(WRITE ${OUTPUT} "${text}")
