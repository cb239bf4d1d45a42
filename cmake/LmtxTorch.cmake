# The target lmtx::torch: LibTorch out of the installed `torch` package, without its CMake files, which want a CUDA toolkit
# wherever the wheel was built with one. It is installed beside lmtxConfig.cmake, so that find_package(lmtx) makes the same target.
#
#   LMTX_TORCH_DIR   the folder of the package (…/site-packages/torch); asked of Python where empty
#   LMTX_CUDA        load its CUDA libraries, too
set(LMTX_TORCH_DIR "" CACHE PATH "Folder of the torch package; empty: asked of the Python that CMake finds")
if(NOT LMTX_TORCH_DIR)
  find_package(Python 3.10 COMPONENTS Interpreter REQUIRED)
  execute_process(
    COMMAND ${Python_EXECUTABLE} -c "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
    OUTPUT_VARIABLE lmtx_torch_dir OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT lmtx_torch_dir)
    message(FATAL_ERROR "LMTX needs the Python package torch (2.11 or newer), but ${Python_EXECUTABLE} has none. "
                        "Install it (and build a wheel with --no-build-isolation, so that it is seen), or set LMTX_TORCH_DIR to its folder.")
  endif()
  set(LMTX_TORCH_DIR ${lmtx_torch_dir} CACHE PATH "Folder of the torch package; empty: asked of the Python that CMake finds" FORCE)
endif()

if(NOT EXISTS ${LMTX_TORCH_DIR}/lib/libtorch_cpu.so OR NOT EXISTS ${LMTX_TORCH_DIR}/version.py)
  message(FATAL_ERROR "LMTX_TORCH_DIR is ${LMTX_TORCH_DIR}, but there is no lib/libtorch_cpu.so or no version.py in it.")
endif()
file(STRINGS ${LMTX_TORCH_DIR}/version.py lmtx_torch_version REGEX "^__version__ = '")
string(REGEX REPLACE "^__version__ = '([^']*)'.*" "\\1" LMTX_TORCH_VERSION "${lmtx_torch_version}")
string(REGEX MATCH "^[0-9.]+" lmtx_torch_release "${LMTX_TORCH_VERSION}")
if(lmtx_torch_release VERSION_LESS 2.11)
  message(FATAL_ERROR "LMTX needs torch 2.11 or newer, but ${LMTX_TORCH_DIR} holds version ${LMTX_TORCH_VERSION}.")
endif()

if(NOT TARGET lmtx::torch)
  add_library(lmtx::torch INTERFACE IMPORTED)
  set(lmtx_torch_lib ${LMTX_TORCH_DIR}/lib)
  target_include_directories(lmtx::torch INTERFACE ${LMTX_TORCH_DIR}/include ${LMTX_TORCH_DIR}/include/torch/csrc/api/include)
  target_link_libraries(lmtx::torch INTERFACE ${lmtx_torch_lib}/libtorch_cpu.so ${lmtx_torch_lib}/libc10.so)
  if(LMTX_CUDA)
    if(NOT EXISTS ${lmtx_torch_lib}/libtorch_cuda.so)
      message(FATAL_ERROR "LMTX_CUDA is on, but the torch in ${LMTX_TORCH_DIR} (${LMTX_TORCH_VERSION}) was built without CUDA.")
    endif()
    # Nothing refers to libtorch_cuda by name: it registers its kernels when it is loaded, so the linker must not drop it.
    target_link_libraries(lmtx::torch INTERFACE "-Wl,--push-state,--no-as-needed,${lmtx_torch_lib}/libtorch_cuda.so,--pop-state"
                                                ${lmtx_torch_lib}/libc10_cuda.so)
  endif()
  # One OpenMP runtime: torch's own. -fopenmp goes to the compiler only; at link time it would bring the compiler's runtime in beside it.
  file(GLOB lmtx_gomp ${lmtx_torch_lib}/libgomp*.so*)
  if(lmtx_gomp)
    list(GET lmtx_gomp 0 lmtx_gomp)
    target_compile_options(lmtx::torch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)
    target_link_libraries(lmtx::torch INTERFACE ${lmtx_gomp})
  else()
    # A torch that brings none (a distribution's, conda's) uses the system's, as the compiler does.
    find_package(OpenMP REQUIRED COMPONENTS CXX)
    target_link_libraries(lmtx::torch INTERFACE OpenMP::OpenMP_CXX)
  endif()
endif()
