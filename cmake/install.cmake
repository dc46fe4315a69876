# Says what `cmake --install` puts where: the program, its models and data, and the library with its
# headers for other C++ programs.
set(PACKAGE ${CMAKE_INSTALL_LIBDIR}/cmake/mambascope)
install(TARGETS mambascope)
install(TARGETS mambascope_lib EXPORT mambascope)
install(DIRECTORY mambascope DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h PATTERN *test_support.h EXCLUDE)
install(DIRECTORY models data DESTINATION ${CMAKE_INSTALL_DATADIR}/mambascope)
install(EXPORT mambascope FILE mambascope-targets.cmake NAMESPACE mambascope:: DESTINATION ${PACKAGE})
install(FILES ${CMAKE_CURRENT_LIST_DIR}/mambascope-config.cmake DESTINATION ${PACKAGE})
