# The target lmtx_torch: LibTorch out of the installed `torch` package, without its CMake files, which want a CUDA toolkit
# wherever the wheel was built with one. Also installed, so that find_package(lmtx) finds the same.
#
#   LMTX_TORCH_DIR   the folder of the package (…/site-packages/torch); asked of Python where empty
#   LMTX_CUDA        link its CUDA libraries, too
set(LMTX_TORCH_DIR "" CACHE PATH "Folder of the torch package; empty: asked of the Python that CMake finds")
if(NOT LMTX_TORCH_DIR)
  find_package(Python COMPONENTS Interpreter REQUIRED)
  execute_process(
    COMMAND ${Python_EXECUTABLE} -c "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
    OUTPUT_VARIABLE lmtx_torch_dir OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT lmtx_torch_dir)
    message(FATAL_ERROR "LMTX needs the Python package torch (2.11 or newer), but ${Python_EXECUTABLE} has none. Install it, or set LMTX_TORCH_DIR to its folder.")
  endif()
  set(LMTX_TORCH_DIR ${lmtx_torch_dir} CACHE PATH "" FORCE)
endif()
file(READ ${LMTX_TORCH_DIR}/version.py lmtx_torch_version_file)
string(REGEX MATCH "__version__ = '([^']*)'" _ "${lmtx_torch_version_file}")
set(LMTX_TORCH_VERSION ${CMAKE_MATCH_1})

if(NOT TARGET lmtx_torch)
  add_library(lmtx_torch INTERFACE IMPORTED)
  set(lmtx_torch_lib ${LMTX_TORCH_DIR}/lib)
  target_include_directories(lmtx_torch SYSTEM INTERFACE ${LMTX_TORCH_DIR}/include ${LMTX_TORCH_DIR}/include/torch/csrc/api/include)
  target_link_libraries(lmtx_torch INTERFACE ${lmtx_torch_lib}/libtorch_cpu.so ${lmtx_torch_lib}/libc10.so)
  if(LMTX_CUDA)
    if(NOT EXISTS ${lmtx_torch_lib}/libtorch_cuda.so)
      message(FATAL_ERROR "LMTX_CUDA is on, but the torch in ${LMTX_TORCH_DIR} (${LMTX_TORCH_VERSION}) was built without CUDA.")
    endif()
    # Nothing refers to it by name: it registers its kernels when it is loaded.
    target_link_libraries(lmtx_torch INTERFACE -Wl,--no-as-needed ${lmtx_torch_lib}/libtorch_cuda.so ${lmtx_torch_lib}/libc10_cuda.so -Wl,--as-needed)
  endif()
  # One OpenMP runtime: torch's own, never the compiler's beside it.
  file(GLOB lmtx_gomp ${lmtx_torch_lib}/libgomp*.so*)
  if(lmtx_gomp)
    list(GET lmtx_gomp 0 lmtx_gomp)
    target_link_libraries(lmtx_torch INTERFACE ${lmtx_gomp})
    target_compile_options(lmtx_torch INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)
  else()
    find_package(OpenMP REQUIRED COMPONENTS CXX)
    target_link_libraries(lmtx_torch INTERFACE OpenMP::OpenMP_CXX)
  endif()
endif()
