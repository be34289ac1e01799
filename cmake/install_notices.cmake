# Runs during the installation: the license, the notices of others and the list of components (SBOM).
# Set by the project: FTRACE_SOURCE, FTRACE_BINARY, FTRACE_VERSION.
include(${FTRACE_SOURCE}/cmake/notices.cmake)
include(${FTRACE_SOURCE}/cmake/sbom.cmake)

set(inside)
set(tools)
read_components(${FTRACE_BINARY}/publish/obj/ftrace/project.assets.json)
set(library_inside ${inside})
set(command_inside)
if(EXISTS ${FTRACE_BINARY}/bin/ftrace)
    set(inside)
    read_components(${FTRACE_BINARY}/publish-tool/obj/tool/project.assets.json)
    set(command_inside ${inside})
endif()
set(inside ${library_inside} ${command_inside})
list(REMOVE_DUPLICATES inside)

# Written where they are installed: several installations may run at the same time.
set(notices $ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/share/doc/libftrace)
file(INSTALL ${FTRACE_SOURCE}/LICENSE DESTINATION ${CMAKE_INSTALL_PREFIX}/share/doc/libftrace)
write_notices(${notices}/THIRD-PARTY-NOTICES.txt ${inside})
write_sbom(${notices}/libftrace.cdx.json ${FTRACE_VERSION})
foreach(file THIRD-PARTY-NOTICES.txt libftrace.cdx.json)
    message(STATUS "Installing: ${notices}/${file}")
    file(CHMOD ${notices}/${file} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
    list(APPEND CMAKE_INSTALL_MANIFEST_FILES ${CMAKE_INSTALL_PREFIX}/share/doc/libftrace/${file})
endforeach()
