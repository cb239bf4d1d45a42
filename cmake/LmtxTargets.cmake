# The two libraries: lmtx::inference (tagging: neither SQLite nor a teacher) and lmtx::lmtx (all of it).
add_library(lmtx_flags INTERFACE)
target_compile_options(lmtx_flags INTERFACE -Wall -Wextra $<$<BOOL:${LMTX_WERROR}>:-Werror>)
target_compile_definitions(lmtx_flags INTERFACE $<$<BOOL:${LMTX_FAISS}>:LMTX_FAISS> $<$<BOOL:${LMTX_CUDA}>:LMTX_CUDA>)
if(LMTX_SANITIZE)
  target_compile_options(lmtx_flags INTERFACE -fsanitize=${LMTX_SANITIZE} -fno-omit-frame-pointer -g)
  target_link_options(lmtx_flags INTERFACE -fsanitize=${LMTX_SANITIZE})
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CCACHE)
  target_compile_options(lmtx_flags INTERFACE -fpch-preprocess)
endif()

configure_file(${PROJECT_SOURCE_DIR}/cmake/version.cc.in ${PROJECT_BINARY_DIR}/generated/version.cc @ONLY)

# Sources are found by folder: where a file lies says what it belongs to.
file(GLOB lmtx_inference_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/lmtx/*.cc ${PROJECT_SOURCE_DIR}/lmtx/corpus/*.cc
     ${PROJECT_SOURCE_DIR}/lmtx/text/*.cc ${PROJECT_SOURCE_DIR}/lmtx/nn/*.cc ${PROJECT_SOURCE_DIR}/lmtx/search/*.cc
     ${PROJECT_SOURCE_DIR}/lmtx/eval/*.cc ${PROJECT_SOURCE_DIR}/lmtx/detail/*.cc)
file(GLOB lmtx_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/lmtx/teacher/*.cc ${PROJECT_SOURCE_DIR}/lmtx/train/*.cc)
if(NOT LMTX_FAISS)
  list(FILTER lmtx_inference_sources EXCLUDE REGEX "search/hnsw.*\\.cc$")
endif()

add_library(lmtx_inference SHARED ${lmtx_inference_sources} ${PROJECT_BINARY_DIR}/generated/version.cc)
add_library(lmtx::inference ALIAS lmtx_inference)
set_target_properties(lmtx_inference PROPERTIES EXPORT_NAME inference)
target_link_libraries(lmtx_inference PUBLIC lmtx_torch Eigen3::Eigen
                      PRIVATE $<BUILD_INTERFACE:lmtx_flags> nlohmann_json::nlohmann_json ZLIB::ZLIB PkgConfig::UTF8PROC PkgConfig::B2 Threads::Threads)
if(LMTX_FAISS)
  target_link_libraries(lmtx_inference PRIVATE $<BUILD_INTERFACE:lmtx_faiss>)
endif()
target_precompile_headers(lmtx_inference PRIVATE ${PROJECT_SOURCE_DIR}/cmake/precompiled.h)

if(NOT lmtx_sources)
  list(APPEND lmtx_sources ${PROJECT_BINARY_DIR}/generated/version.cc)
endif()
add_library(lmtx SHARED ${lmtx_sources})
add_library(lmtx::lmtx ALIAS lmtx)
target_link_libraries(lmtx PUBLIC lmtx_inference
                      PRIVATE $<BUILD_INTERFACE:lmtx_flags> nlohmann_json::nlohmann_json PkgConfig::B2 SQLite::SQLite3 Threads::Threads)
target_precompile_headers(lmtx REUSE_FROM lmtx_inference)

foreach(target lmtx_inference lmtx)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:include>)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES DEFINE_SYMBOL "")
  set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN;$ORIGIN/../../torch/lib;${LMTX_TORCH_DIR}/lib")
endforeach()
