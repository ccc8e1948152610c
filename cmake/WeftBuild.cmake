# Compiler settings, sanitizers and the libraries that modules may ask for.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(GTest REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Boost REQUIRED)
pkg_check_modules(URING REQUIRED IMPORTED_TARGET liburing)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(FUSE3 REQUIRED IMPORTED_TARGET fuse3)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(TCMALLOC REQUIRED IMPORTED_TARGET libtcmalloc_minimal)
pkg_check_modules(SYSTEMD IMPORTED_TARGET libsystemd)

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # What was compiled in another clone of these sources counts too.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
endif()

set(WEFT_SANITIZE "" CACHE STRING "Sanitizers: empty, address, thread")
option(WEFT_PLANTED_BUGS "Build with known mistakes that the simulator must find; see src/base/planted.h" OFF)
option(WEFT_COVERAGE "Tell which lines and which marked branches run; see src/base/reached.h" OFF)
option(WEFT_FUZZ "Build the libFuzzer targets (clang)" OFF)
option(WEFT_LTO "Link-time optimisation" OFF)
option(WEFT_UNITY "Compile several sources at once (weft_apart)" ON)
set(CMAKE_UNITY_BUILD ${WEFT_UNITY})
set(CMAKE_UNITY_BUILD_BATCH_SIZE 8)

# A local name may be one of another source in the same unit, which only g++ can tell from shadowing proper.
set(shadowing -Wshadow)
if(WEFT_UNITY)
  set(shadowing $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local>)
endif()

# What an empty optional or a wrong index would be, tests find in every build but the optimised one.
add_library(weft_options INTERFACE)
target_compile_definitions(weft_options INTERFACE $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)
target_include_directories(weft_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(weft_options INTERFACE
  -Wall -Wextra ${shadowing} -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -Wno-missing-field-initializers -Werror -fno-omit-frame-pointer)
target_link_libraries(weft_options INTERFACE Threads::Threads)
if(WEFT_UNITY)
  # A type of an unnamed namespace is in one unit all the same.
  target_compile_options(weft_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()
# GCC 12 on x86 loses stores: where it expands a copy of a few hundred bytes with an aligning prologue, the copy does not
# count as a reader of its source, and what was stored there just before is dropped (tests/compiler).
include(CheckCXXCompilerFlag)
check_cxx_compiler_flag(-mno-align-stringops WEFT_HAVE_ALIGN_STRINGOPS)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND WEFT_HAVE_ALIGN_STRINGOPS)
  target_compile_options(weft_options INTERFACE -mno-align-stringops)
  target_link_options(weft_options INTERFACE -mno-align-stringops)
endif()
if(WEFT_SANITIZE STREQUAL "address")
  # What a test itself does has the checks that cost little to compile: the others took half of the build's time.
  set(is_test $<BOOL:$<TARGET_PROPERTY:WEFT_IS_TEST>>)
  target_compile_options(weft_options INTERFACE -fsanitize=address -fno-sanitize-recover=all
    $<IF:${is_test},-fsanitize=signed-integer-overflow$<COMMA>shift$<COMMA>bounds$<COMMA>integer-divide-by-zero,-fsanitize=undefined>)
  target_link_options(weft_options INTERFACE -fsanitize=address,undefined)
elseif(WEFT_SANITIZE STREQUAL "thread")
  target_compile_options(weft_options INTERFACE -fsanitize=thread)
  target_link_options(weft_options INTERFACE -fsanitize=thread)
endif()
if(WEFT_COVERAGE)
  # Everything, not only what is counted: an inline function may be linked as any of its users has compiled it.
  target_compile_definitions(weft_options INTERFACE WEFT_COVERAGE)
  target_compile_options(weft_options INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(weft_options INTERFACE --coverage)
endif()
if(WEFT_FUZZ)
  target_compile_options(weft_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  target_link_options(weft_options INTERFACE -fsanitize=address,undefined)
endif()
if(WEFT_LTO)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # With machine code beside it, for those that are linked without (weft_build_fast).
    set(CMAKE_CXX_COMPILE_OPTIONS_IPO -flto=auto -ffat-lto-objects)
    # An archive's index then has to name what that machine code defines.  The compiler's plugin, which ar loads by itself,
    # names inline functions that it does not have, and ld takes a member twice on the search for them.
    set(CMAKE_CXX_ARCHIVE_CREATE_IPO "<CMAKE_AR> --plugin none qcs <TARGET> <OBJECTS>")
    set(CMAKE_CXX_ARCHIVE_APPEND_IPO "<CMAKE_AR> --plugin none qs <TARGET> <OBJECTS>")
    set(CMAKE_CXX_ARCHIVE_FINISH_IPO "")
    # GCC 12 sees accesses past the end and before the first store, in fmt and libstdc++, once it has inlined enough;
    # they are not there.
    target_compile_options(weft_options INTERFACE
      -Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-stringop-overread)
    target_link_options(weft_options INTERFACE -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
endif()

# Tests do less where programs are slow, which they are with a sanitizer or when their lines are counted.
set(slow_by ${WEFT_SANITIZE})
if(WEFT_COVERAGE)
  set(slow_by coverage)
endif()

# What every test of this build has in its environment: a sanitizer's first finding ends the program.
set(WEFT_TEST_ENVIRONMENT
  "ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
  "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
  "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1"
  "WEFT_BIN_DIR=${CMAKE_RUNTIME_OUTPUT_DIRECTORY}"
  "WEFT_SANITIZE=${slow_by}")
