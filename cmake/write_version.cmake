# Writes OUT: `extern const char* const kVersion, kGitCommit[]`. The commit is "unknown" outside a git
# checkout, and ends in "+" if files differ from it.
execute_process(COMMAND git describe --always --abbrev=12 --exclude=* --dirty=+ WORKING_DIRECTORY ${SOURCE}
                OUTPUT_VARIABLE COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE STATUS)
if(NOT STATUS EQUAL 0)
  set(COMMIT unknown)
endif()
file(CONFIGURE OUTPUT ${OUT} CONTENT "namespace mambascope {
extern const char* const kVersion = \"${VERSION}\";
extern const char* const kGitCommit = \"${COMMIT}\";
}  // namespace mambascope
")
