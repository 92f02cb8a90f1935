# Writes OUTPUT: find_step_kind() for the kinds named in KINDS. Each file steps/kinds/<kind>.cpp defines
#   const rdpmend::StepKind& rdpmend::<kind>_kind();
# for the field <kind> of Step's oneof in plan.proto. A file without such a field does not compile, nor does a field
# without a file: the switch has no default. Run with cmake -P.
set(text "// Generated while building; see packaging/cmake/step_registry.cmake.\n#include \"agent-lib/steps/step_kind.hpp\"\n\n")
string(APPEND text "namespace rdpmend {\n\n")
foreach(kind IN LISTS KINDS)
  string(APPEND text "const StepKind& ${kind}_kind();\n")
endforeach()
string(APPEND text "\nconst StepKind* find_step_kind(const v1::Step& step) {\n  switch (step.kind_case()) {\n")
foreach(kind IN LISTS KINDS)
  # restart_service is kRestartService to protobuf.
  string(REPLACE "_" ";" words ${kind})
  set(case_name k)
  foreach(word IN LISTS words)
    string(SUBSTRING ${word} 0 1 first)
    string(SUBSTRING ${word} 1 -1 rest)
    string(TOUPPER ${first} first)
    string(APPEND case_name ${first}${rest})
  endforeach()
  string(APPEND text "    case v1::Step::${case_name}: return &${kind}_kind();\n")
endforeach()
string(APPEND text "    case v1::Step::KIND_NOT_SET: break;\n  }\n  return nullptr;\n}\n\n}  // namespace rdpmend\n")
file(WRITE ${OUTPUT} "${text}")
