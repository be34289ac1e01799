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

set(notices ${FTRACE_BINARY}/notices)
write_notices(${notices}/THIRD-PARTY-NOTICES.txt ${inside})
write_sbom(${notices}/libftrace.cdx.json ${FTRACE_VERSION})
file(INSTALL DESTINATION ${CMAKE_INSTALL_PREFIX}/share/doc/libftrace TYPE FILE FILES
    ${FTRACE_SOURCE}/LICENSE ${notices}/THIRD-PARTY-NOTICES.txt ${notices}/libftrace.cdx.json)
