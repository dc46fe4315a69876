# The figure libraries (mambascope/figures/web/package.json), which web.S embeds in the library. npm
# fetches them into the build folder, once and again when package-lock.json changes. It runs no
# package's scripts. MAMBASCOPE_WEB names a node_modules folder to use instead.
set(WEB_SOURCE ${CMAKE_CURRENT_LIST_DIR}/../mambascope/figures/web)
cmake_path(NORMAL_PATH WEB_SOURCE)
set(WEB_FILES vega/LICENSE vega/build/vega.min.js vega-lite/build/vega-lite.min.js vega-embed/build/vega-embed.min.js)

if(MAMBASCOPE_WEB)
  set(WEB_MODULES ${MAMBASCOPE_WEB})
else()
  set(WEB_MODULES ${CMAKE_BINARY_DIR}/web/node_modules)
endif()
list(TRANSFORM WEB_FILES PREPEND ${WEB_MODULES}/)

if(MAMBASCOPE_WEB)
  foreach(FILE ${WEB_FILES} ${WEB_MODULES}/.bin/esbuild)
    if(NOT EXISTS ${FILE})
      message(FATAL_ERROR "MAMBASCOPE_WEB: no ${FILE}. In a copy of ${WEB_SOURCE}, `npm ci --ignore-scripts` makes the node_modules to name.")
    endif()
  endforeach()
else()
  find_program(NPM npm)
  if(NOT NPM)
    message(FATAL_ERROR "No npm, which fetches the libraries that draw figures. Install it (apt-get install npm), "
                        "or name a node_modules folder that holds vega, vega-lite, vega-embed and esbuild: -DMAMBASCOPE_WEB=FOLDER")
  endif()
  add_custom_command(
    OUTPUT ${WEB_FILES}
    DEPENDS ${WEB_SOURCE}/package.json ${WEB_SOURCE}/package-lock.json
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/web
    COMMAND ${CMAKE_COMMAND} -E copy ${WEB_SOURCE}/package.json ${WEB_SOURCE}/package-lock.json ${CMAKE_BINARY_DIR}/web
    COMMAND ${CMAKE_COMMAND} -E chdir ${CMAKE_BINARY_DIR}/web
            ${NPM} ci --ignore-scripts --no-audit --no-fund --no-progress --no-update-notifier --loglevel=error
    # Packages may date their files before the lock file, which would make them stale for ever.
    COMMAND ${CMAKE_COMMAND} -E touch ${WEB_FILES}
    COMMENT "Fetching vega, vega-lite, vega-embed and esbuild with npm"
    VERBATIM)
endif()

# The page of `serve`: esbuild makes one script of its TypeScript.
cmake_path(SET SERVE_SOURCE NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../mambascope/serve/web)
set(SERVE_SCRIPT ${CMAKE_BINARY_DIR}/web/serve.js)
file(GLOB SERVE_OWN CONFIGURE_DEPENDS ${SERVE_SOURCE}/*.ts ${SERVE_SOURCE}/*.html ${SERVE_SOURCE}/*.css)
add_custom_command(
  OUTPUT ${SERVE_SCRIPT}
  DEPENDS ${SERVE_OWN} ${WEB_SOURCE}/theme.js ${WEB_FILES}
  COMMAND ${WEB_MODULES}/.bin/esbuild ${SERVE_SOURCE}/main.ts --bundle --minify --format=iife --target=es2022
          --log-level=warning --outfile=${SERVE_SCRIPT}
  COMMENT "Bundling the page of serve"
  VERBATIM)

set(WEB_SOURCES ${WEB_SOURCE}/web.S)
file(GLOB WEB_OWN CONFIGURE_DEPENDS ${WEB_SOURCE}/*.css ${WEB_SOURCE}/*.js ${WEB_SOURCE}/*.jsonc)
set_source_files_properties(${WEB_SOURCES} PROPERTIES
  INCLUDE_DIRECTORIES "${WEB_SOURCE};${WEB_MODULES};${SERVE_SOURCE};${CMAKE_BINARY_DIR}/web"
  OBJECT_DEPENDS "${WEB_FILES};${WEB_OWN};${SERVE_OWN};${SERVE_SCRIPT}")
