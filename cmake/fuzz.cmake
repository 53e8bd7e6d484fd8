# The library under clang's libFuzzer and sanitizers.  OpenMP stays gcc's, which oneDNN is linked to.
if(NOT CMAKE_C_COMPILER_ID STREQUAL Clang)
    message(FATAL_ERROR "REVERIE_FUZZ needs clang: -DCMAKE_C_COMPILER=clang-14")
endif()
add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
                    -fno-omit-frame-pointer)
add_link_options(-fsanitize=address,undefined)

execute_process(COMMAND gcc -print-file-name=libgomp.so OUTPUT_VARIABLE OpenMP_gomp_LIBRARY
                OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
# What we call of it: clang cannot read gcc's header.
file(WRITE ${PROJECT_BINARY_DIR}/gcc/omp.h
     "int omp_get_max_threads(void);\nvoid omp_set_num_threads(int);\n")
set(OpenMP_C_FLAGS "-fopenmp=libgomp -I${PROJECT_BINARY_DIR}/gcc -Wno-source-uses-openmp")
set(OpenMP_C_LIB_NAMES gomp)

# The kernels name their instruction set in a pragma that only gcc knows.
set_source_files_properties(src/backend/cpu/tile/tile_avx2.c PROPERTIES
    COMPILE_OPTIONS "-mavx2;-mfma;-Wno-unknown-pragmas")
set_source_files_properties(src/backend/cpu/tile/tile_avx512.c PROPERTIES
    COMPILE_OPTIONS "-mavx512f;-mavx512dq;-mavx512bw;-mavx512vl;-mavx2;-mfma;-Wno-unknown-pragmas")
