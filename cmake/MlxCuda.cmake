# SPDX-License-Identifier: MIT
# MLX from its wheel for NVIDIA GPUs, without a CUDA toolkit: the wheel's own
# MLXConfig.cmake asks for one, which only its makers need. The libraries that
# libmlx loads are in wheels beside it (its RPATH finds them), libcuda comes with
# the driver: none of them has to be here to link.
set(LLM_MLX_CUDA ON)

set(LLM_MLX_INCLUDE ${MLX_ROOT}/include CACHE PATH "MLX's headers")
set(LLM_MLX_LIBRARY ${MLX_ROOT}/lib/libmlx.so CACHE FILEPATH "libmlx for CUDA")

set(mlx_found "")
foreach(part IN ITEMS MAJOR MINOR PATCH)
  file(STRINGS ${LLM_MLX_INCLUDE}/mlx/version.h line
       REGEX "define MLX_VERSION_${part} ")
  string(REGEX MATCH "[0-9]+$" number "${line}")
  list(APPEND mlx_found ${number})
endforeach()
list(JOIN mlx_found "." mlx_found)
if(NOT mlx_found VERSION_EQUAL LLM_MLX_VERSION)
  message(FATAL_ERROR "MLX's wheel for CUDA is ${mlx_found}, expected "
                      "${LLM_MLX_VERSION}: run ./tutorial start --device cuda")
endif()
message(STATUS "MLX ${mlx_found} for NVIDIA GPUs: ${LLM_MLX_LIBRARY}")

add_library(mlx SHARED IMPORTED)
set_target_properties(
  mlx PROPERTIES IMPORTED_LOCATION ${LLM_MLX_LIBRARY}
                 INTERFACE_COMPILE_FEATURES cxx_std_20
                 INTERFACE_INCLUDE_DIRECTORIES ${LLM_MLX_INCLUDE})
target_link_options(mlx INTERFACE
                    -Wl,--allow-shlib-undefined)
