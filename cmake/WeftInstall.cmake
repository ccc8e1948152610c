# What `make install` (cmake --install) puts where: programs, manual, examples.

include(GNUInstallDirs)

install(TARGETS weft DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS weftd DESTINATION ${CMAKE_INSTALL_SBINDIR})
foreach(section 1 5 8)
  file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/man/*.${section})
  install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
install(DIRECTORY ${CMAKE_SOURCE_DIR}/examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
