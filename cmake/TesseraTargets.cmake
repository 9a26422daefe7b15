# What every target of the project shares, and the one call a folder makes.

add_library(tessera_flags INTERFACE)
add_library(ts::flags ALIAS tessera_flags)
target_compile_features(tessera_flags INTERFACE c_std_11)
target_compile_definitions(tessera_flags INTERFACE
  _GNU_SOURCE TS_VERSION="${PROJECT_VERSION}")
target_include_directories(tessera_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(tessera_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes
  -Wmissing-prototypes -Wformat=2 -fno-common -fstack-protector-strong
  -fno-omit-frame-pointer $<$<BOOL:${TESSERA_WERROR}>:-Werror>)
# Fortify needs optimisation, and the sanitizers intercept the same calls.
if(NOT TESSERA_SANITIZE)
  target_compile_definitions(tessera_flags INTERFACE
    $<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
endif()
target_link_options(tessera_flags INTERFACE
  -Wl,-z,relro,-z,now -Wl,--as-needed)
if(TESSERA_SANITIZE)
  target_compile_options(tessera_flags INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all)
  target_link_options(tessera_flags INTERFACE -fsanitize=address,undefined)
endif()
if(TESSERA_FUZZ)
  target_compile_options(tessera_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
# Asserts state our own invariants and stay on in release.
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELWITHDEBINFO
  "${CMAKE_C_FLAGS_RELWITHDEBINFO}")

# tessera_library(<name> SOURCES <file>... [LIBS <target>...]
#                 [EMBED <symbol>=<file>...])
# One static library, ts::<name>. PUBLIC links, because headers show types.
function(tessera_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS;EMBED" ${ARGN})
  add_library(tessera_${name} STATIC ${ARG_SOURCES})
  add_library(ts::${name} ALIAS tessera_${name})
  target_link_libraries(tessera_${name} PUBLIC ts::flags ${ARG_LIBS})
  foreach(pair ${ARG_EMBED})
    tessera_embed(tessera_${name} ${pair})
  endforeach()
endfunction()

# tessera_program(<name> SOURCES <file>... LIBS <target>...)
function(tessera_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ts::flags ${ARG_LIBS})
endfunction()

# Turns <symbol>=<file> into `extern const struct ts_slice <symbol>`.
function(tessera_embed target pair)
  string(REGEX MATCH "^([^=]+)=(.+)$" _ ${pair})
  set(symbol ${CMAKE_MATCH_1})
  get_filename_component(input ${CMAKE_MATCH_2} ABSOLUTE)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/embed_${symbol}.c)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${input} -DOUTPUT=${output}
      -DSYMBOL=${symbol} -P ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake
    DEPENDS ${input} ${CMAKE_SOURCE_DIR}/cmake/Embed.cmake VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()

# tessera_test(<name> SOURCES <file>... [LIBS <target>...] [ARGS <arg>...])
# A cmocka program that ctest runs; TESSERA_SOURCE_DIR finds its data.
function(tessera_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS;ARGS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ts::flags dep::cmocka ${ARG_LIBS})
  target_compile_definitions(${name} PRIVATE
    TESSERA_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    TESSERA_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name} ${ARG_ARGS})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
endfunction()

# tessera_fuzz(<name> SOURCES <file>... LIBS <target>... CORPUS <folder>)
# A libFuzzer program; ctest runs it shortly over its corpus.
function(tessera_fuzz name)
  if(NOT TESSERA_FUZZ)
    return()
  endif()
  cmake_parse_arguments(ARG "" "CORPUS" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ts::flags ${ARG_LIBS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  set(found ${CMAKE_BINARY_DIR}/fuzz/found_${name})
  file(MAKE_DIRECTORY ${found})
  add_test(NAME ${name} COMMAND ${name} -runs=20000 -max_total_time=20
    -timeout=10 -rss_limit_mb=2048 ${found} ${ARG_CORPUS})
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()
