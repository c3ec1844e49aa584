# Build rules shared by every folder: one library target per folder, named unirust_<folder>.
#
#   unirust_library(model SOURCES record.cc DEPS base LIBS absl::status)
#
# DEPS are other folders and are the layer table of docs/architecture.md; tests/style/ checks that includes obey it.
# LIBS are third-party targets.

set(UNIRUST_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Werror)

set(UNIRUST_SANITIZE "" CACHE STRING "Sanitizers to build with: address,undefined or thread")
add_library(unirust_options INTERFACE)
target_include_directories(unirust_options INTERFACE ${CMAKE_SOURCE_DIR})
if(UNIRUST_SANITIZE)
  target_compile_options(unirust_options INTERFACE -fsanitize=${UNIRUST_SANITIZE} -fno-omit-frame-pointer
                                                   -fno-sanitize-recover=all)
  target_link_options(unirust_options INTERFACE -fsanitize=${UNIRUST_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # GCC 12 sees uninitialized members of <regex> in instrumented code
    list(APPEND UNIRUST_WARNINGS -Wno-maybe-uninitialized)
  endif()
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(unirust_options INTERFACE -Wthread-safety)
endif()
option(UNIRUST_FUZZ "Instrument for libFuzzer and build tests/fuzz/ with it; needs clang" OFF)
if(UNIRUST_FUZZ)
  target_compile_options(unirust_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(UNIRUST_SANITIZE MATCHES "thread")
  target_compile_definitions(unirust_options INTERFACE UNIRUST_TSAN=1)
endif()

function(unirust_library folder)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LIBS" ${ARGN})
  add_library(unirust_${folder} STATIC ${ARG_SOURCES})
  target_compile_options(unirust_${folder} PRIVATE ${UNIRUST_WARNINGS})
  list(TRANSFORM ARG_DEPS PREPEND unirust_)
  target_link_libraries(unirust_${folder} PUBLIC unirust_options ${ARG_DEPS} ${ARG_LIBS})
endfunction()

function(unirust_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_compile_options(${name} PRIVATE ${UNIRUST_WARNINGS})
  list(TRANSFORM ARG_DEPS PREPEND unirust_)
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} ${ARG_LIBS})
  if(NOT UNIRUST_SANITIZE)  # in place of libc's allocator; sanitizers bring their own
    target_link_libraries(${name} PRIVATE "-Wl,--push-state,--no-as-needed,-ljemalloc,--pop-state")
  endif()
endfunction()

# A GoogleTest program, registered with ctest under the label `unit`.
function(unirust_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LIBS" ${ARGN})
  unirust_program(${name} SOURCES ${ARG_SOURCES} DEPS ${ARG_DEPS} LIBS ${ARG_LIBS} GTest::gmock_main)
  add_test(NAME ${name} COMMAND ${name})
  set(seconds 600)
  if(UNIRUST_SANITIZE)
    set(seconds 3600)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT ${seconds})
endfunction()
