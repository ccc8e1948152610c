# What `make install` (cmake --install) puts where: programs, manual, examples.

include(GNUInstallDirs)

install(TARGETS weft DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS weftd DESTINATION ${CMAKE_INSTALL_SBINDIR})
foreach(section 1 5 8)
  file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/man/*.${section})
  install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
install(DIRECTORY ${CMAKE_SOURCE_DIR}/examples DESTINATION ${CMAKE_INSTALL_DOCDIR})

# The host library of include/weft: one archive of all folders that it consists of, as machine code.
set(weft_host_parts base wire block net fabric reactor transports_tcp host client)
set(weft_host_archive ${CMAKE_BINARY_DIR}/lib/libweft-host.a)
set(script "create ${weft_host_archive}\n")
foreach(part ${weft_host_parts})
  string(APPEND script "addlib $<TARGET_FILE:weft_${part}>\n")
endforeach()
file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/lib/weft-host.mri CONTENT "${script}save\nend\n")
list(TRANSFORM weft_host_parts PREPEND weft_ OUTPUT_VARIABLE targets)
add_custom_command(OUTPUT ${weft_host_archive}
  COMMAND sh -c "${CMAKE_AR} --plugin none -M <'${CMAKE_BINARY_DIR}/lib/weft-host.mri'"
  DEPENDS ${targets} VERBATIM)
add_custom_target(weft_host_library ALL DEPENDS ${weft_host_archive})
# The archive may be moved with what it was installed with.
string(REGEX REPLACE "[^/]+" ".." up ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
configure_file(${CMAKE_CURRENT_LIST_DIR}/weft-host.pc.in ${CMAKE_BINARY_DIR}/lib/weft-host.pc @ONLY)
install(FILES ${weft_host_archive} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${CMAKE_BINARY_DIR}/lib/weft-host.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/weft DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
