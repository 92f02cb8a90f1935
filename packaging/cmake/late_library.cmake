# Writes OUTPUT, an import library of NAME.dll whose functions load it when they are first called, with the functions of the
# import library USUAL. Run with cmake -P.
execute_process(COMMAND ${NM} --defined-only --format=posix ${USUAL} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY
                ERROR_QUIET)
string(REGEX MATCHALL "\n[A-Za-z_][A-Za-z0-9_]* T " functions "\n${symbols}")
list(TRANSFORM functions REPLACE "\n(.*) T " "\\1")
list(REMOVE_DUPLICATES functions)
list(SORT functions)
list(JOIN functions "\n  " lines)
file(WRITE ${OUTPUT}.def "LIBRARY ${NAME}.dll\nEXPORTS\n  ${lines}\n")
cmake_path(GET OUTPUT PARENT_PATH folder)
# It names its temporary files after the working directory's, and the symbols in the library after its output.
execute_process(COMMAND ${DLLTOOL} --input-def ${OUTPUT}.def --dllname ${NAME}.dll --output-delaylib lib${NAME}.a
                WORKING_DIRECTORY ${folder} COMMAND_ERROR_IS_FATAL ANY)
