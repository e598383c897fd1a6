# SPDX-License-Identifier: MIT
# Where MLX and each other library comes from: MLX from its Python wheel, the
# rest from apt (Debian, Ubuntu) or conda-forge (macOS).

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)

pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
add_library(llm_pcre2 INTERFACE)
target_link_libraries(llm_pcre2 INTERFACE PkgConfig::PCRE2)

# utf8proc's pkg-config file is not in every package: look for the library.
find_path(UTF8PROC_INCLUDE_DIR utf8proc.h REQUIRED)
find_library(UTF8PROC_LIBRARY utf8proc REQUIRED)
add_library(llm_utf8proc INTERFACE)
target_include_directories(llm_utf8proc SYSTEM INTERFACE ${UTF8PROC_INCLUDE_DIR})
target_link_libraries(llm_utf8proc INTERFACE ${UTF8PROC_LIBRARY})

if(LLM_FUZZ)
  return() # the fuzz targets link neither MLX nor the programs
endif()

if(LLM_KERNELS)
  pkg_check_modules(HIGHWAY REQUIRED IMPORTED_TARGET libhwy>=1.0.3)
endif()
find_package(CLI11 2.1 REQUIRED)

# Beast and Asio (HTTP): headers, compiled in code/web_interface/asio.cpp.
find_package(Boost 1.81 REQUIRED)
add_library(llm_boost INTERFACE)
target_link_libraries(llm_boost INTERFACE Boost::headers)
target_compile_definitions(
  llm_boost INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION
                      BOOST_BEAST_SEPARATE_COMPILATION)

# MLX: the wheel brings headers, CMake config and libmlx. Found without importing
# it (as `python -m mlx --cmake-dir` does): for CUDA that needs the driver.
find_package(Python3 3.10 REQUIRED COMPONENTS Interpreter)
set(where_mlx_is
    "from importlib.util import find_spec as find"
    "print(find('mlx').submodule_search_locations[0])")
execute_process(
  COMMAND ${Python3_EXECUTABLE} -c "${where_mlx_is}"
  OUTPUT_VARIABLE MLX_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE
  RESULT_VARIABLE mlx_status ERROR_QUIET)
if(NOT mlx_status EQUAL 0)
  message(FATAL_ERROR "MLX is not installed for ${Python3_EXECUTABLE}: run "
                      "./tutorial start, or pip install mlx==${LLM_MLX_VERSION}")
endif()
get_filename_component(mlx_packages ${MLX_ROOT} DIRECTORY)
file(GLOB cuda_wheel ${mlx_packages}/mlx_cuda_*.libs)
if(cuda_wheel OR LLM_MLX_LIBRARY)
  include(MlxCuda) # for NVIDIA GPUs
else()
  find_package(MLX ${LLM_MLX_VERSION} EXACT REQUIRED CONFIG PATHS ${MLX_ROOT}
               NO_DEFAULT_PATH)
endif()

# The Linux wheel carries the reference BLAS (about 6 GFLOP/s). OpenBLAS as a
# direct dependency of each program comes before it in the search order, so
# libmlx's calls bind to OpenBLAS. On a Mac MLX uses Accelerate.
add_library(llm_mlx INTERFACE)
if(NOT APPLE)
  find_library(OPENBLAS_LIBRARY openblas REQUIRED)
  target_link_libraries(
    llm_mlx INTERFACE -Wl,--push-state,--no-as-needed ${OPENBLAS_LIBRARY}
                      -Wl,--pop-state)
endif()
target_link_libraries(llm_mlx INTERFACE mlx)
# The wheel's headers are not ours to warn about.
get_target_property(mlx_includes mlx INTERFACE_INCLUDE_DIRECTORIES)
target_include_directories(llm_mlx SYSTEM INTERFACE ${mlx_includes})
target_compile_definitions(llm_mlx INTERFACE LLM_MLX_VERSION="${LLM_MLX_VERSION}")
