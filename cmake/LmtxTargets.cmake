# The two libraries: lmtx::inference (tagging: neither SQLite nor a teacher) and lmtx::lmtx (all of it).

# How our own code is compiled, here and in bindings/ and tests/; users of the libraries inherit none of it.
add_library(lmtx_flags INTERFACE)
target_compile_options(lmtx_flags INTERFACE -Wall -Wextra $<$<BOOL:${LMTX_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13)
  # It takes any reference that comes out of a function with a temporary argument for a dangling one, misses fields in {.k = 3}, where leaving
  # them out is the point, and believes that vector<bool>::reserve() in torch's headers of autograd functions writes too far.
  target_compile_options(lmtx_flags INTERFACE -Wno-dangling-reference -Wno-missing-field-initializers -Wno-array-bounds)
endif()
target_compile_definitions(lmtx_flags INTERFACE $<$<BOOL:${LMTX_FAISS}>:LMTX_FAISS> $<$<BOOL:${LMTX_CUDA}>:LMTX_CUDA>)
if(LMTX_SANITIZE)
  # Whatever is found ends the program; -g1 is enough for file and line.
  target_compile_options(lmtx_flags INTERFACE -fsanitize=${LMTX_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  target_link_options(lmtx_flags INTERFACE -fsanitize=${LMTX_SANITIZE})
endif()
if(LMTX_COVERAGE)
  target_compile_options(lmtx_flags INTERFACE --coverage -O0 -fprofile-update=atomic)
  target_link_options(lmtx_flags INTERFACE --coverage)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CCACHE)
  # Lets ccache see which precompiled header went in.
  target_compile_options(lmtx_flags INTERFACE -fpch-preprocess)
endif()

configure_file(${PROJECT_SOURCE_DIR}/cmake/version.cc.in ${PROJECT_BINARY_DIR}/generated/version.cc @ONLY)

# Sources are found by folder: where a file lies says what it belongs to.
file(GLOB lmtx_inference_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/lmtx/*.cc ${PROJECT_SOURCE_DIR}/lmtx/corpus/*.cc
     ${PROJECT_SOURCE_DIR}/lmtx/text/*.cc ${PROJECT_SOURCE_DIR}/lmtx/nn/*.cc ${PROJECT_SOURCE_DIR}/lmtx/nn/cpu/*.cc ${PROJECT_SOURCE_DIR}/lmtx/search/*.cc
     ${PROJECT_SOURCE_DIR}/lmtx/eval/*.cc ${PROJECT_SOURCE_DIR}/lmtx/detail/*.cc)
file(GLOB lmtx_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/lmtx/teacher/*.cc ${PROJECT_SOURCE_DIR}/lmtx/teacher/store/*.cc
     ${PROJECT_SOURCE_DIR}/lmtx/train/*.cc ${PROJECT_SOURCE_DIR}/lmtx/train/unsupervised/*.cc)
if(LMTX_HTTP)
  file(GLOB lmtx_http_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/lmtx/teacher/http/*.cc)
  list(FILTER lmtx_http_sources EXCLUDE REGEX "absent\\.cc$")
else()
  set(lmtx_http_sources ${PROJECT_SOURCE_DIR}/lmtx/teacher/http/absent.cc)
endif()
list(APPEND lmtx_sources ${lmtx_http_sources})
if(LMTX_CUDA)
  file(GLOB lmtx_cuda_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/lmtx/nn/cuda/*.cc ${PROJECT_SOURCE_DIR}/lmtx/search/cuda/*.cc)
  list(APPEND lmtx_inference_sources ${lmtx_cuda_sources})
  file(GLOB lmtx_train_cuda_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/lmtx/train/cuda/*.cc)
  list(APPEND lmtx_sources ${lmtx_train_cuda_sources})
endif()
if(NOT LMTX_FAISS)
  list(FILTER lmtx_inference_sources EXCLUDE REGEX "search/hnsw.*\\.cc$")
endif()

# Rounding is theirs: a sum is fused with a product where they say so, on every processor.
file(GLOB lmtx_kernels CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/lmtx/nn/cpu/kernels_*.cc)
set_source_files_properties(${lmtx_kernels} PROPERTIES COMPILE_OPTIONS -ffp-contract=off SKIP_PRECOMPILE_HEADERS ON)

if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13)
  set_source_files_properties(${PROJECT_SOURCE_DIR}/lmtx/nn/cuda/training.cc ${PROJECT_SOURCE_DIR}/lmtx/train/losses.cc PROPERTIES COMPILE_OPTIONS -Wno-stringop-overflow)
endif()

add_library(lmtx_inference SHARED ${lmtx_inference_sources} ${PROJECT_BINARY_DIR}/generated/version.cc)
target_link_libraries(lmtx_inference PUBLIC lmtx::torch Eigen3::Eigen
                      PRIVATE $<BUILD_INTERFACE:lmtx_flags> nlohmann_json::nlohmann_json ZLIB::ZLIB PkgConfig::UTF8PROC PkgConfig::B2 Threads::Threads)
if(LMTX_FAISS)
  target_link_libraries(lmtx_inference PRIVATE $<BUILD_INTERFACE:lmtx_faiss>)
endif()
if(LMTX_CUDA)
  target_sources(lmtx_inference PRIVATE $<TARGET_OBJECTS:lmtx_cuda_kernels>)
  target_include_directories(lmtx_inference PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
  target_link_libraries(lmtx_inference PRIVATE CUDA::cudart_static)
endif()
# The slow headers, compiled once. No path of this checkout among them, so that ccache finds what another checkout compiled.
target_precompile_headers(lmtx_inference PRIVATE <ATen/core/Tensor.h> <algorithm> <cstdint> <filesystem> <functional> <memory> <nlohmann/json.hpp> <span>
                          <stdexcept> <string> <string_view> <vector>)

add_library(lmtx SHARED ${lmtx_sources})
target_link_libraries(lmtx PUBLIC lmtx_inference
                      PRIVATE $<BUILD_INTERFACE:lmtx_flags> nlohmann_json::nlohmann_json PkgConfig::B2 SQLite::SQLite3 Threads::Threads)
if(LMTX_HTTP)
  target_link_libraries(lmtx PRIVATE CURL::libcurl)
endif()
if(LMTX_CUDA)
  target_include_directories(lmtx PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
  target_link_libraries(lmtx PRIVATE CUDA::cudart_static)
endif()
target_precompile_headers(lmtx REUSE_FROM lmtx_inference)

add_library(lmtx::inference ALIAS lmtx_inference)
add_library(lmtx::lmtx ALIAS lmtx)
set_target_properties(lmtx_inference PROPERTIES EXPORT_NAME inference)
set(lmtx_symbols ${PROJECT_SOURCE_DIR}/cmake/exported_symbols.map)
foreach(target lmtx_inference lmtx)
  target_compile_features(${target} PUBLIC cxx_std_20)
  # What is linked statically (FAISS) and what templates leave behind stays inside; a missing definition fails here, not at load time.
  target_link_options(${target} PRIVATE -Wl,--version-script=${lmtx_symbols} -Wl,--as-needed -Wl,--no-undefined)
  # DEFINE_SYMBOL would keep the two from sharing a precompiled header. The libraries find torch beside themselves (in a wheel) or where it was at build time.
  set_target_properties(${target} PROPERTIES DEFINE_SYMBOL "" LINK_DEPENDS ${lmtx_symbols}
                        INSTALL_RPATH "$ORIGIN;$ORIGIN/../torch/lib;${LMTX_TORCH_DIR}/lib")
endforeach()

# The public headers, by name: these are installed, and each is compiled alone (target all_verify_interface_header_sets).
target_sources(lmtx_inference PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES
  ${PROJECT_SOURCE_DIR}/lmtx/compute_dtype.h
  ${PROJECT_SOURCE_DIR}/lmtx/corpus/corpus.h
  ${PROJECT_SOURCE_DIR}/lmtx/corpus/document.h
  ${PROJECT_SOURCE_DIR}/lmtx/corpus/hierarchy.h
  ${PROJECT_SOURCE_DIR}/lmtx/corpus/label_set.h
  ${PROJECT_SOURCE_DIR}/lmtx/corpus/targets.h
  ${PROJECT_SOURCE_DIR}/lmtx/corpus/shared_parts.h
  ${PROJECT_SOURCE_DIR}/lmtx/encode_to_file.h
  ${PROJECT_SOURCE_DIR}/lmtx/encoder.h
  ${PROJECT_SOURCE_DIR}/lmtx/eval/agreement.h
  ${PROJECT_SOURCE_DIR}/lmtx/eval/audit.h
  ${PROJECT_SOURCE_DIR}/lmtx/eval/bootstrap.h
  ${PROJECT_SOURCE_DIR}/lmtx/eval/calibration.h
  ${PROJECT_SOURCE_DIR}/lmtx/eval/combination.h
  ${PROJECT_SOURCE_DIR}/lmtx/eval/decision_rule.h
  ${PROJECT_SOURCE_DIR}/lmtx/eval/isotonic.h
  ${PROJECT_SOURCE_DIR}/lmtx/eval/metrics.h
  ${PROJECT_SOURCE_DIR}/lmtx/eval/propensity.h
  ${PROJECT_SOURCE_DIR}/lmtx/event.h
  ${PROJECT_SOURCE_DIR}/lmtx/export.h
  ${PROJECT_SOURCE_DIR}/lmtx/roll_up.h
  ${PROJECT_SOURCE_DIR}/lmtx/search/bm25_index.h
  ${PROJECT_SOURCE_DIR}/lmtx/search/fusion.h
  ${PROJECT_SOURCE_DIR}/lmtx/near_duplicates.h
  ${PROJECT_SOURCE_DIR}/lmtx/search/label_filter.h
  ${PROJECT_SOURCE_DIR}/lmtx/search/label_index.h
  ${PROJECT_SOURCE_DIR}/lmtx/search/ranked_lists.h
  ${PROJECT_SOURCE_DIR}/lmtx/stopped.h
  ${PROJECT_SOURCE_DIR}/lmtx/tagger.h
  ${PROJECT_SOURCE_DIR}/lmtx/text/token_batch.h
  ${PROJECT_SOURCE_DIR}/lmtx/text/tokenizer.h
  ${PROJECT_SOURCE_DIR}/lmtx/version.h)
target_sources(lmtx PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/answers.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/ask.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/batch_file_oracle.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/batch_folder.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/budget.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/calibrated_oracle.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/callback_oracle.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/chat_protocol.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/combined_oracle.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/http_oracle.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/judgment_export.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/judgment_import.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/judgment_store.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/prompt.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/recorded_oracle.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/scripted_oracle.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/shared_store.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/store_oracle.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/store_reports.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/stored_answer.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/stored_verdicts.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/teacher_oracle.h
  ${PROJECT_SOURCE_DIR}/lmtx/teacher/verdict.h
  ${PROJECT_SOURCE_DIR}/lmtx/train/curriculum_trainer.h
  ${PROJECT_SOURCE_DIR}/lmtx/train/options.h
  ${PROJECT_SOURCE_DIR}/lmtx/train/report.h)
set_target_properties(lmtx_inference lmtx PROPERTIES VERIFY_INTERFACE_HEADER_SETS ${LMTX_TESTS})
