# The git commit of the sources, which every result file echoes. It is looked up at each build, and
# the file is rewritten only when it changes.
set(VERSION_SOURCES ${CMAKE_BINARY_DIR}/generated/version.cc)
add_custom_target(mambascope_version
  COMMAND ${CMAKE_COMMAND} -DSOURCE=${CMAKE_SOURCE_DIR} -DOUT=${VERSION_SOURCES} -DVERSION=${PROJECT_VERSION}
          -P ${CMAKE_SOURCE_DIR}/cmake/write_version.cmake
  BYPRODUCTS ${VERSION_SOURCES})
set_source_files_properties(${VERSION_SOURCES} PROPERTIES GENERATED ON SKIP_PRECOMPILE_HEADERS ON)
