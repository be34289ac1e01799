# The library as a Windows DLL, cross-compiled on Linux: docs/windows.md. Included by the CMakeLists.txt of the project.
if(NOT CMAKE_CROSSCOMPILING)
    message(FATAL_ERROR "the DLL is cross-compiled on Linux: -DCMAKE_TOOLCHAIN_FILE=cmake/toolchains/windows-x86_64.cmake")
endif()

find_program(DOTNET dotnet)
find_program(FTRACE_CLANG NAMES clang-19)
find_program(FTRACE_LLD_LINK NAMES lld-link-19)
find_program(FTRACE_DLLTOOL NAMES llvm-dlltool-19)
foreach(tool "DOTNET dotnet-sdk-10.0" "FTRACE_CLANG clang-19" "FTRACE_LLD_LINK lld-19" "FTRACE_DLLTOOL llvm-19")
    separate_arguments(tool)
    list(GET tool 0 variable)
    list(GET tool 1 package)
    if(NOT ${variable})
        message(FATAL_ERROR "a program is missing; install the package ${package}")
    endif()
endforeach()

set(publish ${CMAKE_CURRENT_BINARY_DIR}/publish)
set(library ${CMAKE_CURRENT_BINARY_DIR}/bin/ftrace.dll)
set(import_msvc ${CMAKE_CURRENT_BINARY_DIR}/lib/ftrace.lib)
set(import_mingw ${CMAKE_CURRENT_BINARY_DIR}/lib/libftrace.dll.a)
set(exports ${CMAKE_CURRENT_SOURCE_DIR}/lib/Native/Windows/ftrace.def)
file(GLOB_RECURSE sources CONFIGURE_DEPENDS
    lib/*.cs lib/*.csproj lib/*.props lib/Native/* include/ftrace/*.h Directory.Build.props)
list(FILTER sources EXCLUDE REGEX "/lib/(bin|obj)/")
add_custom_command(
    OUTPUT ${library} ${import_msvc} ${import_mingw}
    COMMAND ${DOTNET} publish ${CMAKE_CURRENT_SOURCE_DIR}/lib/ftrace.csproj -c Release -r win-x64
        --artifacts-path ${publish} -o ${publish}/out -p:FtraceVersion=${FTRACE_VERSION}
        -p:WindowsClang=${FTRACE_CLANG} -p:WindowsLinker=${FTRACE_LLD_LINK} -p:WindowsDlltool=${FTRACE_DLLTOOL}
        --nologo -v quiet
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/bin ${CMAKE_CURRENT_BINARY_DIR}/lib
    COMMAND ${CMAKE_COMMAND} -E copy ${publish}/out/ftrace.dll ${library}
    COMMAND ${FTRACE_DLLTOOL} -m i386:x86-64 -d ${exports} -l ${import_msvc}
    COMMAND ${FTRACE_DLLTOOL} -m i386:x86-64 -d ${exports} -l ${import_mingw}
    DEPENDS ${sources}
    COMMENT "Publishing ftrace.dll"
    VERBATIM)
add_custom_target(libftrace ALL DEPENDS ${library})

install(FILES ${library} DESTINATION bin)
install(FILES ${import_msvc} ${import_mingw} DESTINATION lib)
install(DIRECTORY include/ftrace DESTINATION include)
configure_package_config_file(lib/Native/Windows/ftrace-config.cmake.in ftrace-config.cmake
    INSTALL_DESTINATION lib/cmake/ftrace)
write_basic_package_version_file(ftrace-config-version.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/ftrace-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/ftrace-config-version.cmake
    DESTINATION lib/cmake/ftrace)
