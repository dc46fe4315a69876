# For find_package(mambascope): the target mambascope::mambascope, and what it links.
include(CMakeFindDependencyMacro)
foreach(DEPENDENCY Torch OpenMP fmt nlohmann_json CLI11 PkgConfig)
  find_dependency(${DEPENDENCY})
endforeach()
pkg_check_modules(ONIG REQUIRED IMPORTED_TARGET oniguruma)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(ZIP REQUIRED IMPORTED_TARGET libzip)
include(${CMAKE_CURRENT_LIST_DIR}/mambascope-targets.cmake)
