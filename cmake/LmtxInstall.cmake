# Two installs from one build tree: the C++ package (`cmake --install build --prefix P`, then find_package(lmtx)), and
# the component `python`, which is what a wheel holds.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(lmtx_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/lmtx)
install(TARGETS lmtx_inference lmtx EXPORT lmtxTargets FILE_SET HEADERS
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT cpp FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT cpp)
install(EXPORT lmtxTargets NAMESPACE lmtx:: DESTINATION ${lmtx_cmake_dir} COMPONENT cpp)
configure_package_config_file(cmake/lmtxConfig.cmake.in ${PROJECT_BINARY_DIR}/lmtxConfig.cmake INSTALL_DESTINATION ${lmtx_cmake_dir})
# Before 1.0 a minor version may break its callers.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/lmtxConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lmtxConfig.cmake ${PROJECT_BINARY_DIR}/lmtxConfigVersion.cmake cmake/LmtxTorch.cmake
        DESTINATION ${lmtx_cmake_dir} COMPONENT cpp)

if(LMTX_PYTHON AND TARGET lmtx_core)
  # The .py files come from python/lmtx by themselves (pyproject.toml).
  install(TARGETS lmtx_inference lmtx lmtx_core LIBRARY DESTINATION lmtx COMPONENT python EXCLUDE_FROM_ALL)
  # For `lmtx demo`.
  file(GLOB lmtx_demo_data CONFIGURE_DEPENDS examples/us-bills-110/*.md examples/us-bills-110/*.jsonl examples/us-bills-110/*.gz)
  install(FILES ${lmtx_demo_data} DESTINATION lmtx/us-bills-110 COMPONENT python EXCLUDE_FROM_ALL)
endif()
