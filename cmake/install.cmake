# `make install`: libraries, headers, recipes, and how other builds find them (pkg-config, CMake).
# The program, its man page and its completion are installed by cli/CMakeLists.txt.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_target_property(REVERIE_SOVERSION reverie SOVERSION)
set(symbols ${PROJECT_SOURCE_DIR}/packaging/reverie.map)
target_link_options(reverie PRIVATE LINKER:--version-script=${symbols})
set_property(TARGET reverie APPEND PROPERTY LINK_DEPENDS ${symbols})

install(TARGETS reverie reverie_static
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/recipes DESTINATION ${CMAKE_INSTALL_DATADIR}/reverie
        FILES_MATCHING PATTERN "*.yaml")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/reverie)

# The tree is relocatable: the way up from lib/pkgconfig to the prefix is kept, not the prefix.
set(packages ${PROJECT_BINARY_DIR}/packaging)
file(RELATIVE_PATH REVERIE_PREFIX_FROM_PKGCONFIG ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
     ${CMAKE_INSTALL_PREFIX})
configure_file(${PROJECT_SOURCE_DIR}/packaging/reverie.pc.in ${packages}/reverie.pc @ONLY)
install(FILES ${packages}/reverie.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

configure_package_config_file(${PROJECT_SOURCE_DIR}/packaging/reverieConfig.cmake.in
    ${packages}/reverieConfig.cmake
    INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/reverie
    PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${packages}/reverieConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${packages}/reverieConfig.cmake ${packages}/reverieConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/reverie)
