/* For the tests of src/data: a temporary folder, small data sets in it, and where MNIST is. */
#ifndef DATA_FIXTURE_H
#define DATA_FIXTURE_H

/* cmocka's header needs these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/memory.h"
#include "reverie/data.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define FAIL(...) (print_error(__VA_ARGS__), fail())

/* A status that must be OK: prints the message when it is not. */
#define assert_ok(context, call)                                                                   \
    do {                                                                                           \
        rv_status status_of_call = (call);                                                         \
        if (status_of_call != RV_OK)                                                               \
            FAIL("%s: status %d, %s\n", #call, (int)status_of_call, rv_error_message(context));    \
    } while (0)

/* A failure with this status, whose message holds every one of the texts (ended by NULL); it is
 * cleared. */
static inline void assert_failure(rv_context *context, rv_status status, rv_status expected, ...)
{
    va_list texts;
    const char *text;
    if (status != expected || rv_error_status(context) != expected)
        FAIL("status %d (latched %d), expected %d: %s\n", (int)status,
             (int)rv_error_status(context), (int)expected, rv_error_message(context));
    va_start(texts, expected);
    while ((text = va_arg(texts, const char *)) != NULL)
        if (!strstr(rv_error_message(context), text))
            FAIL("the message lacks \"%s\": %s\n", text, rv_error_message(context));
    va_end(texts);
    if (strchr(rv_error_message(context), '\n'))
        FAIL("more than one line: %s\n", rv_error_message(context));
    rv_error_clear(context);
}

/* ---- Files ---- */

static inline void path_in(char path[512], const char *folder, const char *name)
{
    int length = snprintf(path, 512, "%s/%s", folder, name);
    assert_in_range(length, 1, 511);
}

static inline void make_folder(const char *folder, const char *name)
{
    char path[512];
    path_in(path, folder, name);
    if (mkdir(path, 0700) != 0)
        FAIL("cannot make %s\n", path);
}

static inline int remove_entry(const char *path, const struct stat *facts, int type,
                               struct FTW *where)
{
    (void)facts, (void)type, (void)where;
    return remove(path);
}

static inline void remove_folder(const char *folder)
{
    assert_int_equal(nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void make_temporary(char folder[64])
{
    strcpy(folder, "/tmp/reverie-data-XXXXXX");
    assert_non_null(mkdtemp(folder));
}

static inline void write_file(const char *folder, const char *name, const void *bytes, size_t count)
{
    char path[512];
    path_in(path, folder, name);
    if (strlen(name) > 3 && strcmp(name + strlen(name) - 3, ".gz") == 0) {
        gzFile file = gzopen(path, "wb");
        assert_non_null(file);
        assert_int_equal(gzwrite(file, bytes, (unsigned)count), (int)count);
        assert_int_equal(gzclose(file), Z_OK);
    } else {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, count, file), count);
        assert_int_equal(fclose(file), 0);
    }
}

/* An IDX file of bytes (type 0x08) with these dimensions. */
static inline void write_idx(const char *folder, const char *name, int rank, const uint32_t *shape,
                             const uint8_t *values)
{
    size_t count = 1, header = 4 + 4 * (size_t)rank;
    for (int i = 0; i < rank; ++i)
        count *= shape[i];
    uint8_t *bytes = calloc(header + count, 1);
    assert_non_null(bytes);
    bytes[2] = 8;
    bytes[3] = (uint8_t)rank;
    for (int i = 0; i < rank; ++i)
        for (int j = 0; j < 4; ++j)
            bytes[4 + 4 * i + j] = (uint8_t)(shape[i] >> (24 - 8 * j));
    memcpy(bytes + header, values, count);
    write_file(folder, name, bytes, header + count);
    free(bytes);
}

enum { TINY_HEIGHT = 3, TINY_WIDTH = 5, TINY_SIZE = TINY_HEIGHT * TINY_WIDTH };

/* Pixel `i` of image `n` of the tiny set. */
static inline uint8_t tiny_pixel(int64_t n, int64_t i)
{
    return (uint8_t)(n * 37 + i * 11);
}

/* `count` images [3,5] and labels i % `classes`, under the names that MNIST uses; `part` is "train"
 * or "t10k", `end` is "" or ".gz". */
static inline void write_tiny(const char *folder, const char *part, const char *end, int count,
                              int classes)
{
    uint32_t shape[3] = {(uint32_t)count, TINY_HEIGHT, TINY_WIDTH};
    uint8_t *values = calloc((size_t)count, TINY_SIZE + 1);
    char name[64];
    assert_non_null(values);
    for (int64_t i = 0; i < (int64_t)count * TINY_SIZE; ++i)
        values[i] = tiny_pixel(i / TINY_SIZE, i % TINY_SIZE);
    snprintf(name, sizeof name, "%s-images-idx3-ubyte%s", part, end);
    write_idx(folder, name, 3, shape, values);
    for (int i = 0; i < count; ++i)
        values[i] = (uint8_t)(i % classes);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte%s", part, end);
    write_idx(folder, name, 1, shape, values);
    free(values);
}

/* ---- One context and one temporary folder a test ---- */

static rv_context *context;
static char folder[64];

static inline int set_up(void **state)
{
    (void)state;
    make_temporary(folder);
    context = rv_context_new();
    return context ? 0 : -1;
}

static inline int tear_down(void **state)
{
    (void)state;
    rv_context_free(context);
    remove_folder(folder);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* The configuration of data set `name` in the temporary folder. */
static inline rv_data_config config_of(const char *name)
{
    static const char *directories[1];
    rv_data_config config = rv_data_defaults();
    directories[0] = folder;
    config.name = name;
    config.directories = directories;
    config.directory_count = 1;
    return config;
}

static inline rv_source *open_split(const rv_data_config *config, rv_split split)
{
    rv_source *source;
    assert_ok(context, rv_source_open(context, config, split, &source));
    return source;
}

static inline int64_t count_of(const rv_data_config *config, rv_split split)
{
    rv_source *source = open_split(config, split);
    int64_t count = rv_source_describe(source)->count;
    rv_source_free(source);
    return count;
}

/* Opening fails, says these things (NULL: nothing more), and leaks nothing. */
static inline void expect_refusal(const rv_data_config *config, rv_split split, rv_status status,
                                  const char *first, const char *second, const char *third)
{
    rv_source *source = (rv_source *)&folder;
    int64_t live = rv_memory_counted().live;
    rv_status got = rv_source_open(context, config, split, &source);
    assert_null(source);
    assert_failure(context, got, status, first, second ? second : first, third ? third : first,
                   NULL);
    assert_int_equal(rv_memory_counted().live, live);
}

/* Is image `at` of the source image `n` of the tiny set? */
static inline void expect_tiny(rv_source *source, int64_t at, int64_t n)
{
    float image[TINY_SIZE];
    int32_t label;
    assert_ok(context, rv_source_fetch_range(source, at, 1, 0, image, &label));
    for (int i = 0; i < TINY_SIZE; ++i)
        if (image[i] != (float)(tiny_pixel(n, i) / 255.0))
            FAIL("position %d, pixel %d: got %g, expected image %d's %g\n", (int)at, i,
                 (double)image[i], (int)n, tiny_pixel(n, i) / 255.0);
    assert_int_equal(label, rv_source_label(source, at));
}

/* ---- MNIST ---- */

/* The folder that holds mnist/, or skips the test. */
static inline const char *mnist_folder(void)
{
    static char folders[2][512];
    const char *set = getenv("REVERIE_DATA");
    snprintf(folders[0], sizeof folders[0], "%s", set ? set : "");
    snprintf(folders[1], sizeof folders[1], "%s/../shared/data", REVERIE_SOURCE_DIR);
    for (int i = 0; i < 2; ++i) {
        char path[1100];
        snprintf(path, sizeof path, "%s/mnist/train-images-idx3-ubyte.gz", folders[i]);
        if (folders[i][0] && access(path, R_OK) == 0)
            return folders[i];
    }
    print_message("MNIST is neither in $REVERIE_DATA nor in ../shared/data: skipped\n");
    skip();
    return NULL;
}

/* How many sets the list knows without any folder: the built-in ones, and MNIST, which is last. */
static inline int known_sets(void)
{
    rv_data_entry *entries;
    int count = 0;
    assert_ok(context, rv_data_list(context, NULL, 0, &entries, &count));
    rv_data_list_free(entries, count);
    return count;
}

#endif
