# What LMTX builds with beside torch; each is hidden behind our own headers, Eigen excepted.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(nlohmann_json 3.10 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(SQLite3 3.38 REQUIRED)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
# Its definition matters on Windows only, and would keep the two libraries from sharing a precompiled header.
set_target_properties(PkgConfig::UTF8PROC PROPERTIES INTERFACE_COMPILE_OPTIONS "" INTERFACE_COMPILE_DEFINITIONS "")
pkg_check_modules(B2 REQUIRED IMPORTED_TARGET libb2)

if(LMTX_FAISS)
  # Debian's FAISS is a static archive without a CMake or pkg-config file; it needs more of LAPACK than torch exports.
  find_library(LMTX_FAISS_LIBRARY faiss DOC "FAISS, static or shared")
  find_path(LMTX_FAISS_INCLUDE_DIR faiss/IndexHNSW.h DOC "The folder that holds faiss/IndexHNSW.h")
  find_library(LMTX_LAPACK_LIBRARY NAMES openblas lapack PATH_SUFFIXES openblas-serial DOC "A LAPACK without threads of its own")
  if(NOT LMTX_FAISS_LIBRARY OR NOT LMTX_FAISS_INCLUDE_DIR OR NOT LMTX_LAPACK_LIBRARY)
    message(FATAL_ERROR "LMTX_FAISS is on, but FAISS or LAPACK was not found (Debian: libfaiss-dev, libopenblas-serial-dev). "
                        "Install them or set LMTX_FAISS=OFF.")
  endif()
  add_library(lmtx_faiss INTERFACE IMPORTED)
  target_include_directories(lmtx_faiss INTERFACE ${LMTX_FAISS_INCLUDE_DIR})
  target_link_libraries(lmtx_faiss INTERFACE ${LMTX_FAISS_LIBRARY} ${LMTX_LAPACK_LIBRARY})
endif()

if(LMTX_HTTP)
  find_package(CURL 7.85)
  if(NOT CURL_FOUND)
    message(FATAL_ERROR "LMTX_HTTP is on, but libcurl 7.85 or newer was not found (Debian: libcurl4-openssl-dev). Install it, or set LMTX_HTTP=OFF: there is no HTTP "
                        "teacher then.")
  endif()
endif()
