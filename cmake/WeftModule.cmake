# weft_module(DEPS module... LIBS library... [PROGRAM name] [APART file...])
#
# One library target for the current folder: its *.cc, less *_test.cc.  The
# folder's path below src/ with '/' as '_' names it: src/transports/tcp is
# weft_transports_tcp.  Its *_test.cc become one GoogleTest binary, NAME_test;
# TEST_DEPS and TEST_LIBS are for that alone.  The allowed DEPS are the table in
# scripts/check-layering, which also follows the #include lines.  With PROGRAM, main.cc is no part of the library but
# that program.  APART: see weft_apart.
function(weft_module)
  cmake_parse_arguments(M "" "PROGRAM" "DEPS;LIBS;TEST_DEPS;TEST_LIBS;APART" ${ARGN})
  file(RELATIVE_PATH path ${CMAKE_SOURCE_DIR}/src ${CMAKE_CURRENT_SOURCE_DIR})
  string(REPLACE "/" "_" name ${path})
  file(GLOB sources CONFIGURE_DEPENDS *.cc */*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  if(M_PROGRAM)
    list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
    add_executable(${M_PROGRAM} main.cc)
    target_link_libraries(${M_PROGRAM} PRIVATE weft_${name})
  endif()
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(TRANSFORM M_DEPS PREPEND weft_)
  list(TRANSFORM M_TEST_DEPS PREPEND weft_)
  if(sources)
    add_library(weft_${name} STATIC ${sources})
    target_link_libraries(weft_${name} PUBLIC weft_options ${M_DEPS} ${M_LIBS})
  else()
    add_library(weft_${name} INTERFACE)
    target_link_libraries(weft_${name} INTERFACE weft_options ${M_DEPS} ${M_LIBS})
  endif()
  weft_apart(${M_APART})
  if(tests)
    weft_test(weft_${name}_test SOURCES ${tests} LIBS weft_${name} ${M_TEST_DEPS} ${M_TEST_LIBS})
  endif()
endfunction()

# weft_apart(FILE...): sources that are compiled alone.  Others are compiled eight at a time (a unity build), which takes
# a third of the time, and must not have the same name in their unnamed namespaces.  Better than to name a file here is
# a name that says more.
function(weft_apart)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# weft_build_fast(NAME): an executable that nobody runs for its speed.  Its own code is compiled with little optimisation
# and linked as it is: there are many, and with optimisation across files each link would take as long as weftd's.
function(weft_build_fast name)
  if(WEFT_LTO)
    set_target_properties(${name} PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
    target_compile_options(${name} PRIVATE -O1)
    target_link_options(${name} PRIVATE -fno-lto)
  endif()
endfunction()

# weft_test(NAME SOURCES file... LIBS library... [TIMEOUT seconds] [LABEL label] [AS_PROGRAM]): a
# GoogleTest binary, one CTest test.  The label says which runs take it: unit (default), e2e.  The fuzz preset has
# fuzzers only.  AS_PROGRAM: optimised as the programs are, for what only such code shows.
function(weft_test name)
  if(WEFT_FUZZ)
    return()
  endif()
  cmake_parse_arguments(T "AS_PROGRAM" "TIMEOUT;LABEL" "SOURCES;LIBS" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 300)
  endif()
  if(NOT T_LABEL)
    set(T_LABEL unit)
  endif()
  add_executable(${name} ${T_SOURCES})
  if(NOT T_AS_PROGRAM)
    weft_build_fast(${name})
  endif()
  target_link_libraries(${name} PRIVATE ${T_LIBS} GTest::gmock GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR} WEFT_IS_TEST ON)
  add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
  set_tests_properties(${name} PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS ${T_LABEL}
    ENVIRONMENT "${WEFT_TEST_ENVIRONMENT}")
endfunction()

# weft_script_test(NAME LABEL label [TIMEOUT seconds] [SERIAL] COMMAND word...): a script as a CTest test.  It
# finds the programs in $WEFT_BIN_DIR.  A script that cannot run here says why and ends with 77.  SERIAL: nothing else runs beside it.
function(weft_script_test name)
  cmake_parse_arguments(T "SERIAL" "LABEL;TIMEOUT" "COMMAND" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${T_COMMAND} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS ${T_LABEL} RUN_SERIAL "${T_SERIAL}"
    SKIP_RETURN_CODE 77
    ENVIRONMENT "${WEFT_TEST_ENVIRONMENT}")
endfunction()

# weft_fuzzer(NAME SOURCES file... LIBS library... ROUNDS count): a libFuzzer program bin/NAME in the fuzz preset; its
# seeds are in tests/fuzz/corpus/NAME, where inputs worth keeping go too.  In every other build a unit test that runs
# the seeds and ROUNDS random changes of them.
function(weft_fuzzer name)
  cmake_parse_arguments(T "" "ROUNDS" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${T_SOURCES})
  weft_build_fast(${name})
  target_link_libraries(${name} PRIVATE ${T_LIBS})
  if(WEFT_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    return()
  endif()
  target_sources(${name} PRIVATE replay.cc)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
  add_test(NAME ${name} COMMAND ${name} ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name} ${T_ROUNDS})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS unit ENVIRONMENT "${WEFT_TEST_ENVIRONMENT}")
endfunction()
