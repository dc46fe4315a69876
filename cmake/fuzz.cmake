# The fuzzers, one of each file in tests/fuzz. The preset `asan` compiles the library for them.
# Their programs are no part of a build of everything, but of the target `fuzzers`.
file(GLOB FUZZERS CONFIGURE_DEPENDS tests/fuzz/*_fuzz.cc)
foreach(FUZZER ${FUZZERS})
  cmake_path(GET FUZZER STEM NAME)
  add_executable(${NAME} EXCLUDE_FROM_ALL ${FUZZER})
  target_link_libraries(${NAME} PRIVATE mambascope_lib)
  target_compile_definitions(${NAME} PRIVATE MAMBASCOPE_FUZZER MAMBASCOPE_ROOT="${CMAKE_SOURCE_DIR}")
  target_link_options(${NAME} PRIVATE -fsanitize=fuzzer)
  target_precompile_headers(${NAME} REUSE_FROM mambascope_lib)
  list(APPEND FUZZER_NAMES ${NAME})
endforeach()
add_custom_target(fuzzers DEPENDS ${FUZZER_NAMES})
