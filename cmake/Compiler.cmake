# SPDX-License-Identifier: MIT
# Warnings, sanitizers and the compiler cache.

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

# Designated initializers leave out what has a default.
add_compile_options(-Wall -Wextra -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 warns of copies inside std::string that cannot happen (GCC bug 105329)
  add_compile_options(-Wno-restrict -Wno-stringop-overflow
                      -Wno-array-bounds)
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(LLM_SANITIZE OR LLM_FUZZ)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all
                      -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=address,undefined)
endif()
if(LLM_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_program(LLM_CCACHE ccache)
if(LLM_CCACHE)
  # A precompiled header is cached only when its time stamp may be ignored.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
      ${LLM_CCACHE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
  else()
    add_compile_options(-Xclang -fno-pch-timestamp)
  endif()
endif()
