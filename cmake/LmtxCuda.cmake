# Kernels for NVIDIA cards. They take raw pointers and a stream and see no header of torch, which would take nvcc a minute a file.
#
#   CMAKE_CUDA_COMPILER        nvcc; looked for in PATH and in the usual places where it is not given
#   CMAKE_CUDA_ARCHITECTURES   the cards to compile for: 80 (A100), 90 (H100, H200), ...; by default 80 and 90, and what newer cards translate when they load it
if(NOT CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES "80-real;90" CACHE STRING "Cards to compile for, as CMake has it" FORCE)
endif()
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12.6)
  message(FATAL_ERROR "LMTX_CUDA needs nvcc 12.6 or newer, but ${CMAKE_CUDA_COMPILER} is version ${CMAKE_CUDA_COMPILER_VERSION}.")
endif()
set(CMAKE_CUDA_STANDARD 17)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)

file(GLOB lmtx_cuda_kernels CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/lmtx/*/cuda/*.cu)
add_library(lmtx_cuda_kernels OBJECT ${lmtx_cuda_kernels})
target_include_directories(lmtx_cuda_kernels PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_options(lmtx_cuda_kernels PRIVATE -Xcompiler=-Wall,-Wextra --expt-relaxed-constexpr $<$<BOOL:${LMTX_WERROR}>:-Werror=all-warnings>)
# torch brings a CUDA runtime of its own; ours is linked in whole, so that no second one is looked for when the library is loaded.
set_target_properties(lmtx_cuda_kernels PROPERTIES CUDA_RUNTIME_LIBRARY Static CUDA_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
