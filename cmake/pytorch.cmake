# Finds LibTorch. `pip install .` takes that of the PyTorch beside which it installs, if there is one (MAMBASCOPE_TORCH: its version), and
# sets its TORCH_LIBRARIES here: PyTorch's own files for CMake want the CUDA toolkit, which a user of PyTorch need not have.
set(MAMBASCOPE_TORCH "")
if(SKBUILD)
  find_package(Python 3.9 REQUIRED COMPONENTS Interpreter Development.Module)
  # pip builds in an environment of its own, but with the user's interpreter, which knows the user's packages.
  execute_process(COMMAND ${Python_EXECUTABLE} -c "import sysconfig; print(sysconfig.get_path('platlib'))"
                  OUTPUT_VARIABLE PYTHON_PACKAGES OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(TORCH_FOLDER ${PYTHON_PACKAGES}/torch)
  if(EXISTS ${TORCH_FOLDER}/version.py)
    file(STRINGS ${TORCH_FOLDER}/version.py TORCH_VERSION_LINE REGEX "^__version__")
    string(REGEX REPLACE ".*['\"]([^'\"]+)['\"].*" "\\1" MAMBASCOPE_TORCH "${TORCH_VERSION_LINE}")
  endif()
endif()

if(MAMBASCOPE_TORCH AND NOT MAMBASCOPE_CUDA STREQUAL "ON")
  if(MAMBASCOPE_TORCH VERSION_LESS 2.6)
    message(FATAL_ERROR "this environment has PyTorch ${MAMBASCOPE_TORCH}; mambascope needs 2.6 or newer. Earlier ones were built for another C++ library")
  endif()
  message(STATUS "LibTorch is that of PyTorch ${MAMBASCOPE_TORCH} in ${TORCH_FOLDER}")
  set(TORCH_INCLUDE_DIRS ${TORCH_FOLDER}/include ${TORCH_FOLDER}/include/torch/csrc/api/include)
  # torch_cuda has the operations of the GPU, which register themselves: it is linked though nothing names it.
  foreach(NAME torch torch_cpu c10 torch_cuda c10_cuda)
    if(EXISTS ${TORCH_FOLDER}/lib/lib${NAME}.so)
      list(APPEND TORCH_LIBRARIES -Wl,--no-as-needed,${TORCH_FOLDER}/lib/lib${NAME}.so,--as-needed)
    endif()
  endforeach()
  list(APPEND TORCH_LIBRARIES -Wl,-rpath-link,${TORCH_FOLDER}/lib)
else()
  if(MAMBASCOPE_TORCH)  # with the kernels of the GPU
    list(APPEND CMAKE_PREFIX_PATH ${TORCH_FOLDER}/share/cmake)
  endif()
  find_package(Torch REQUIRED)
endif()
