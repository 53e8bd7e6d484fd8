/* npy, PNG, gzip, IDX and YAML: what numpy, zlib and we write is read; damage is refused. */
#include "check.h"
#include "reverie/io.h"

#include <stdio.h>
#include <unistd.h>
#include <zlib.h>

#define GOLDEN REVERIE_SOURCE_DIR "/tests/golden/io/"

static rv_context *context;
static char folder[64], path[96];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/reverie-formats-XXXXXX");
    context = rv_context_new();
    if (!context || !mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/file", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rv_context_free(context);
    unlink(path);
    return rmdir(folder);
}

static uint8_t *whole(const char *name, size_t *count)
{
    uint8_t *bytes;
    rv_file_read(context, name, 1 << 24, &bytes, count);
    check_ok(context);
    return bytes;
}

/* A copy of exactly `count` bytes, so that a sanitizer sees its end; free(). */
static uint8_t *exactly(const uint8_t *bytes, size_t count)
{
    uint8_t *copy = malloc(count + !count);
    assert_non_null(copy);
    memcpy(copy, bytes, count);
    return copy;
}

/* ---- npy ---- */

static void check_array(const char *name, const char *type, int rank, float first, float last)
{
    rv_array array;
    rv_array_load(context, name, &array);
    check_ok(context);
    assert_string_equal(array.type, type);
    assert_int_equal(array.rank, rank);
    assert_int_equal(array.count, rank ? 6 : 1);
    if (rank == 2) {
        assert_int_equal(array.dim[0], 2);
        assert_int_equal(array.dim[1], 3);
    }
    for (size_t i = 0; i < array.count; i++)
        check_near(array.values[i], type[1] == 'b' ? (double)(i % 2) : first + (double)i, 0, name);
    check_near(array.values[array.count - 1], last, 0, name);
    rv_io_free(array.values);
}

static void test_npy_types(void **state)
{
    (void)state;
    check_array(GOLDEN "f4.npy", "<f4", 2, -2, 3);
    check_array(GOLDEN "f8.npy", "<f8", 2, -2, 3);
    check_array(GOLDEN "i4.npy", "<i4", 2, -2, 3);
    check_array(GOLDEN "i8.npy", "<i8", 2, -2, 3);
    check_array(GOLDEN "u1.npy", "|u1", 2, 250, 255);
    check_array(GOLDEN "b1.npy", "|b1", 2, 0, 1);
    check_array(GOLDEN "version2.npy", "<f4", 2, 0, 5);
    check_array(GOLDEN "zero_d.npy", "<f4", 0, 1.5f, 1.5f);
}

static void test_npy_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *says;
    } cases[] = {
        {GOLDEN "fortran.npy", "Fortran order"},
        {GOLDEN "big_endian.npy", ">f4"},
        {GOLDEN "f2.npy", "<f2"},
        {GOLDEN "gray.png", "the magic is missing"},
        {GOLDEN "none.npy", "cannot be read"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rv_array array;
        assert_int_equal(rv_array_load(context, cases[i].name, &array), RV_BAD_FILE);
        assert_null(array.values);
        check_error(context, RV_BAD_FILE, cases[i].says);
    }
}

static void test_npy_truncated(void **state)
{
    (void)state;
    static const char *const names[] = {GOLDEN "f4.npy", GOLDEN "version2.npy",
                                        GOLDEN "zero_d.npy"};
    for (int which = 0; which < 3; which++) {
        size_t count;
        rv_array array;
        uint8_t *bytes = whole(names[which], &count);
        for (size_t kept = 0; kept < count; kept++) {
            uint8_t *copy = exactly(bytes, kept);
            if (rv_array_parse(context, "a.npy", copy, kept, &array) != RV_BAD_FILE)
                fail_msg("%s cut to %zu bytes: got status %d", names[which], kept,
                         rv_error_status(context));
            check_error(context, RV_BAD_FILE, "a.npy");
            free(copy);
        }
        uint8_t *longer = calloc(1, count + 1);
        assert_non_null(longer);
        memcpy(longer, bytes, count);
        rv_array_parse(context, "a.npy", longer, count + 1, &array);
        check_error(context, RV_BAD_FILE, "a.npy");
        free(longer);
        rv_io_free(bytes);
    }
}

/* A version 1 file with this dictionary and no values. */
static rv_status parse_dictionary(const char *text, rv_array *array)
{
    size_t length = strlen(text) + 1;
    uint8_t bytes[512] = {
        0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)length, (uint8_t)(length >> 8)};
    memcpy(bytes + 10, text, length - 1);
    bytes[9 + length] = '\n';
    uint8_t *copy = exactly(bytes, 10 + length);
    rv_status status = rv_array_parse(context, "hand.npy", copy, 10 + length, array);
    free(copy);
    return status;
}

#define HEAD "{'descr': '<f4', 'fortran_order': False, 'shape': "

static void test_npy_headers(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{}",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'shape': (0,)}",
        "{'fortran_order': False, 'shape': (0,)}",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (0,), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (0,), }",
        "{'descr': '<f4444444444', 'fortran_order': False, 'shape': (0,), }",
        HEAD "3}",
        HEAD "(-1,)}",
        HEAD "(1.5,)}",
        HEAD "(a,)}",
        HEAD "(4294967296, 4294967296), }",
        HEAD "(9223372036854775807,), }",
        HEAD "(99999999999999999999999,), }",
        HEAD "(4611686018427387904, 4), }",
        HEAD "(1, 1, 1, 1, 1, 1, 1, 1, 0), }",
        HEAD "(1",
    };
    rv_array array;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (parse_dictionary(bad[i], &array) != RV_BAD_FILE)
            fail_msg("accepted: %s", bad[i]);
        assert_null(array.values);
        check_error(context, RV_BAD_FILE, "hand.npy");
    }
    assert_int_equal(parse_dictionary(HEAD "(0, 3), }", &array), RV_OK);
    assert_int_equal(array.count, 0);
    rv_io_free(array.values);
}

static void test_npy_round_trip(void **state)
{
    (void)state;
    static const float values[] = {1.5f, -2, 3e-40f, INFINITY, 5, 6};
    static const int64_t shapes[][3] = {{0}, {6}, {2, 3}, {1, 2, 3}};
    for (int rank = 0; rank <= 3; rank++) {
        rv_array array;
        size_t count;
        rv_array_save(context, path, values, rank, shapes[rank]);
        rv_array_load(context, path, &array);
        check_ok(context);
        assert_int_equal(array.rank, rank);
        assert_int_equal(array.count, rank ? 6 : 1);
        for (int axis = 0; axis < rank; axis++)
            assert_int_equal(array.dim[axis], shapes[rank][axis]);
        assert_memory_equal(array.values, values, array.count * sizeof *values);
        rv_io_free(array.values);
        uint8_t *bytes = whole(path, &count);
        assert_int_equal((count - array.count * 4) % 64, 0); /* the values are aligned */
        rv_io_free(bytes);
    }
    static const double doubles[] = {0.1, -3};
    static const int64_t two[] = {2}, long_integers[] = {-5, 1 << 20};
    rv_array array;
    rv_array_save_as(context, path, RV_ELEMENT_F64, doubles, 1, two);
    rv_array_load(context, path, &array);
    check_ok(context);
    assert_string_equal(array.type, "<f8");
    check_near(array.values[0], 0.1f, 0, "a double");
    rv_io_free(array.values);
    rv_array_save_as(context, path, RV_ELEMENT_I64, long_integers, 1, two);
    rv_array_load(context, path, &array);
    check_ok(context);
    assert_string_equal(array.type, "<i8");
    check_near(array.values[1], 1 << 20, 0, "an integer");
    rv_io_free(array.values);
    assert_int_equal(rv_array_save_as(context, path, RV_ELEMENT_BF16, doubles, 1, two),
                     RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE, "element type");
    static const int64_t many[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    assert_int_equal(rv_array_save(context, path, values, 9, many), RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE, "file");
}

/* ---- PNG ---- */

static void check_image(const char *name, int height, int width, int channels,
                        const uint8_t *expected)
{
    rv_pixels8 image;
    rv_png_load(context, name, &image);
    check_ok(context);
    assert_int_equal(image.height, height);
    assert_int_equal(image.width, width);
    assert_int_equal(image.channels, channels);
    assert_memory_equal(image.bytes, expected, (size_t)(height * width * channels));
    rv_io_free(image.bytes);
}

static void test_png_kinds(void **state)
{
    (void)state;
    rv_pixels8 image;
    check_image(GOLDEN "gray.png", 2, 3, 1, (const uint8_t[]){0, 1, 2, 100, 200, 255});
    check_image(GOLDEN "rgb.png", 1, 2, 3, (const uint8_t[]){1, 2, 3, 250, 251, 252});
    /* clear, and half clear, over white */
    check_image(GOLDEN "rgba.png", 1, 2, 3, (const uint8_t[]){255, 255, 255, 252, 253, 253});
    check_image(GOLDEN "gray16.png", 1, 2, 1, (const uint8_t[]){18, 254});
    check_image(GOLDEN "gray1.png", 1, 9, 1, (const uint8_t[]){255, 0, 255, 0, 0, 0, 0, 0, 255});
    check_image(GOLDEN "palette.png", 1, 3, 3,
                (const uint8_t[]){255, 255, 255, 6, 5, 4, 255, 255, 255});
    check_image(GOLDEN "interlaced.png", 1, 1, 1, (const uint8_t[]){7});
    assert_int_equal(rv_png_load(context, GOLDEN "f4.npy", &image), RV_BAD_FILE);
    assert_null(image.bytes);
    check_error(context, RV_BAD_FILE, "f4.npy: is no PNG image");
    assert_int_equal(rv_png_load(context, GOLDEN "none.png", &image), RV_BAD_FILE);
    check_error(context, RV_BAD_FILE, "none.png: cannot be read");
}

static void fill(uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(i * i * 7 + i);
}

static void test_png_round_trip(void **state)
{
    (void)state;
    uint8_t bytes[7 * 5 * 3];
    fill(bytes, sizeof bytes);
    for (int channels = 1; channels <= 3; channels += 2) {
        rv_pixels8 image = {7, 5, channels, bytes};
        uint8_t *first, *second;
        size_t first_count, second_count;
        rv_png_write(context, path, &image);
        check_image(path, 7, 5, channels, bytes);
        rv_png_encode(context, &image, &first, &first_count);
        check_ok(context);
        second = whole(path, &second_count);
        assert_int_equal(first_count, second_count); /* the same pixels, the same bytes */
        assert_memory_equal(first, second, first_count);
        rv_io_free(first);
        rv_io_free(second);
    }
    static const int wrong[][3] = {{0, 5, 1}, {7, -1, 1}, {7, 5, 2}, {7, 5, 4}, {40000, 5, 1}};
    for (int i = 0; i < 5; i++) {
        rv_pixels8 image = {wrong[i][0], wrong[i][1], wrong[i][2], bytes};
        assert_int_equal(rv_png_write(context, path, &image), RV_BAD_USAGE);
        check_error(context, RV_BAD_USAGE, "PNG");
    }
}

/* Every truncation is refused; every flipped bit is refused or leaves the pixels alone. */
static void test_png_damage(void **state)
{
    (void)state;
    size_t count;
    uint8_t pixels[6 * 4 * 3], *bytes;
    rv_pixels8 image = {6, 4, 3, pixels}, got;
    fill(pixels, sizeof pixels);
    rv_png_encode(context, &image, &bytes, &count);
    check_ok(context);
    for (size_t kept = 0; kept < count; kept++) {
        uint8_t *copy = exactly(bytes, kept);
        if (rv_png_parse(context, "a.png", copy, kept, &got) != RV_BAD_FILE || got.bytes)
            fail_msg("cut to %zu of %zu bytes: got status %d", kept, count,
                     rv_error_status(context));
        check_error(context, RV_BAD_FILE, "a.png");
        free(copy);
    }
    for (size_t bit = 0; bit < 8 * count; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (rv_png_parse(context, "a.png", bytes, count, &got) == RV_OK) {
            assert_memory_equal(got.bytes, pixels, sizeof pixels);
            rv_io_free(got.bytes);
        } else {
            check_error(context, RV_BAD_FILE, "a.png");
        }
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    rv_io_free(bytes);
}

/* Memory that runs out is not the file's fault. */
static void test_png_memory(void **state)
{
    (void)state;
    rv_pixels8 image;
    size_t count;
    uint8_t *bytes = whole(GOLDEN "rgb.png", &count);
    int64_t live = rv_memory_counted().live;
    for (uint64_t n = 1;; n++) {
        rv_memory_fail_after(n, 0);
        rv_status status = rv_png_parse(context, "a.png", bytes, count, &image);
        rv_memory_fail_after(0, 0);
        rv_io_free(image.bytes);
        assert_int_equal(rv_memory_counted().live, live);
        if (status == RV_OK) {
            assert_true(n > 1);
            break;
        }
        check_error(context, RV_NO_MEMORY, "memory");
    }
    rv_io_free(bytes);
}

static void test_base64(void **state)
{
    (void)state;
    static const char *const texts[][2] = {/* RFC 4648, section 10 */
                                           {"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"},
                                           {"\xff\xef\xbe", "/+++"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *got = rv_base64((const uint8_t *)texts[i][0], strlen(texts[i][0]));
        assert_string_equal(got, texts[i][1]);
        rv_io_free(got);
    }
}

/* ---- gzip and IDX ---- */

static void write_bytes(const uint8_t *bytes, size_t count)
{
    rv_file_write(context, path, bytes, count);
    check_ok(context);
}

static void test_idx_counts(void **state)
{
    (void)state;
    static const char *const names[] = {GOLDEN "items.idx", GOLDEN "items.idx.gz"};
    static const int64_t limits[] = {0, 1, 4, 5, 6, 1000};
    for (int which = 0; which < 2; which++)
        for (int i = 0; i < 6; i++) {
            rv_idx idx;
            rv_idx_load(context, names[which], 3, limits[i], &idx);
            check_ok(context);
            int64_t items = limits[i] && limits[i] < 5 ? limits[i] : 5;
            assert_int_equal(idx.rank, 3);
            assert_int_equal(idx.dim[0], items);
            assert_int_equal(idx.dim[1], 2);
            assert_int_equal(idx.dim[2], 3);
            assert_int_equal(idx.stored, 5);
            for (int64_t k = 0; k < 6 * items; k++)
                assert_int_equal(idx.bytes[k], k);
            rv_io_free(idx.bytes);
            rv_idx_header(context, names[which], 3, &idx);
            check_ok(context);
            assert_int_equal(idx.stored, 5);
            assert_int_equal(idx.dim[2], 3);
            assert_null(idx.bytes);
        }
}

static void test_idx_magic(void **state)
{
    (void)state;
    rv_idx idx;
    assert_int_equal(rv_idx_load(context, GOLDEN "items.idx.gz", 1, 0, &idx), RV_BAD_FILE);
    assert_non_null(strstr(rv_error_message(context), "0x00000801")); /* expected */
    check_error(context, RV_BAD_FILE, "0x00000803");                  /* found */
    assert_int_equal(rv_idx_header(context, GOLDEN "gray.png", 3, &idx), RV_BAD_FILE);
    assert_non_null(strstr(rv_error_message(context), "0x00000803"));
    check_error(context, RV_BAD_FILE, "0x89504e47");
    assert_int_equal(rv_idx_load(context, GOLDEN "items.idx", 5, 0, &idx), RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE, "5 axes");
    assert_int_equal(rv_idx_load(context, GOLDEN "none.idx", 3, 0, &idx), RV_BAD_FILE);
    check_error(context, RV_BAD_FILE, "none.idx: cannot be read");
}

static void test_idx_absurd_sizes(void **state)
{
    (void)state;
    static const uint32_t sizes[][4] = {{0, 2, 3, 4},
                                        {1, 2, 0, 4},
                                        {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX},
                                        {1, 0x80000000u, 4, 0x80000000u}, /* a product of 2^64 */
                                        {0x80000000u, 0x80000000u, 4, 1},
                                        {UINT32_MAX, 1, 1, 1},
                                        {1, 1 << 15, 1 << 15, 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t bytes[24] = {0, 0, 8, 4};
        rv_idx idx;
        for (int k = 0; k < 16; k++)
            bytes[4 + k] = (uint8_t)(sizes[i][k / 4] >> (24 - 8 * (k % 4)));
        write_bytes(bytes, sizeof bytes);
        assert_int_equal(rv_idx_load(context, path, 4, 0, &idx), RV_BAD_FILE);
        assert_null(idx.bytes);
        check_error(context, RV_BAD_FILE, "file");
        assert_int_equal(rv_idx_load(context, path, 4, 1 << 30, &idx), RV_BAD_FILE);
        check_error(context, RV_BAD_FILE, "file");
    }
}

static void test_idx_truncated(void **state)
{
    (void)state;
    static const char *const names[] = {GOLDEN "items.idx", GOLDEN "items.idx.gz"};
    for (int which = 0; which < 2; which++) {
        size_t count;
        uint8_t *bytes = whole(names[which], &count);
        for (size_t kept = 0; kept < count; kept++) {
            rv_idx idx;
            write_bytes(bytes, kept);
            if (rv_idx_load(context, path, 3, 0, &idx) != RV_BAD_FILE || idx.bytes)
                fail_msg("%s cut to %zu bytes: got status %d", names[which], kept,
                         rv_error_status(context));
            check_error(context, RV_BAD_FILE, "truncated");
            uint8_t *copy = exactly(bytes, kept);
            assert_int_equal(rv_idx_parse(context, "memory", copy, kept, 3, &idx), RV_BAD_FILE);
            check_error(context, RV_BAD_FILE, "memory: ");
            free(copy);
        }
        rv_io_free(bytes);
    }
}

/* A flipped bit is refused, or (in gzip's time stamp, or after the last code) changes no item. */
static void test_idx_gzip_flipped(void **state)
{
    (void)state;
    size_t count, refused = 0;
    uint8_t *bytes = whole(GOLDEN "items.idx.gz", &count);
    for (size_t bit = 0; bit < 8 * count; bit++) {
        rv_idx idx;
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        write_bytes(bytes, count);
        if (rv_idx_load(context, path, 3, 0, &idx) == RV_OK) {
            for (int k = 0; k < 30; k++)
                assert_int_equal(idx.bytes[k], k);
            rv_io_free(idx.bytes);
        } else {
            check_error(context, RV_BAD_FILE, "file");
            refused++;
        }
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(refused >= 8 * (count - 7));
    rv_io_free(bytes);
}

static void test_idx_bytes_too_many(void **state)
{
    (void)state;
    size_t count;
    rv_idx idx;
    uint8_t *bytes = whole(GOLDEN "items.idx", &count), longer[64] = {0};
    memcpy(longer, bytes, count);
    write_bytes(longer, count + 1);
    assert_int_equal(rv_idx_load(context, path, 3, 0, &idx), RV_BAD_FILE);
    check_error(context, RV_BAD_FILE, "the 5 items");
    rv_io_free(bytes);
}

/* With a limit, the rest of the file is not needed: it may be missing or broken. */
static void test_idx_limit_reads_the_start(void **state)
{
    (void)state;
    enum { ITEMS = 1000, BYTES = 1000, SIZE = 12 + ITEMS * BYTES };
    size_t count;
    uint8_t *plain = calloc(1, SIZE);
    rv_idx idx;
    assert_non_null(plain);
    memcpy(plain, (const uint8_t[]){0, 0, 8, 2, 0, 0, 3, 232, 0, 0, 3, 232}, 12);
    rv_stream stream = rv_stream_at(1, rv_site("test"), 0, 0);
    for (int i = 12; i < SIZE; i++)
        plain[i] = (uint8_t)(256 * rv_stream_uniform(&stream));
    gzFile file = gzopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, plain, SIZE), SIZE);
    assert_int_equal(gzclose(file), Z_OK);
    uint8_t *packed = whole(path, &count);
    memset(packed + count / 2, 0, count / 4); /* broken in the middle, missing at the end */
    write_bytes(packed, 3 * count / 4);
    rv_idx_load(context, path, 2, 10, &idx);
    check_ok(context);
    assert_int_equal(idx.dim[0], 10);
    assert_int_equal(idx.stored, ITEMS);
    assert_memory_equal(idx.bytes, plain + 12, 10 * BYTES);
    rv_io_free(idx.bytes);
    rv_idx_header(context, path, 2, &idx);
    check_ok(context);
    assert_int_equal(rv_idx_load(context, path, 2, 0, &idx), RV_BAD_FILE);
    check_error(context, RV_BAD_FILE, "file");
    write_bytes(plain, 12 + 10 * BYTES); /* the same without gzip */
    rv_idx_load(context, path, 2, 10, &idx);
    check_ok(context);
    rv_io_free(idx.bytes);
    assert_int_equal(rv_idx_load(context, path, 2, 11, &idx), RV_BAD_FILE);
    check_error(context, RV_BAD_FILE, "is truncated");
    rv_io_free(packed);
    free(plain);
}

static void test_gzip_read(void **state)
{
    (void)state;
    uint8_t *bytes;
    size_t count;
    rv_gzip_read(context, GOLDEN "items.idx.gz", 0, 46, &bytes, &count);
    check_ok(context);
    assert_int_equal(count, 46);
    assert_int_equal(bytes[45], 29);
    assert_int_equal(bytes[46], 0);
    rv_io_free(bytes);
    rv_gzip_read(context, GOLDEN "items.idx.gz", 20, 1 << 20, &bytes, &count);
    check_ok(context);
    assert_int_equal(count, 20);
    rv_io_free(bytes);
    rv_gzip_read(context, GOLDEN "items.idx.gz", (size_t)1 << 40, SIZE_MAX, &bytes, &count);
    check_ok(context); /* as much as there is: no terabyte is asked for */
    assert_int_equal(count, 46);
    rv_io_free(bytes);
    assert_int_equal(rv_gzip_read(context, GOLDEN "items.idx.gz", 0, 45, &bytes, &count),
                     RV_BAD_FILE);
    assert_null(bytes);
    check_error(context, RV_BAD_FILE, "more than 45 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_npy_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_npy_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_npy_truncated, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_npy_headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_npy_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_png_kinds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_png_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_png_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_png_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_base64, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_idx_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_idx_magic, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_idx_absurd_sizes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_idx_truncated, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_idx_gzip_flipped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_idx_bytes_too_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_idx_limit_reads_the_start, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gzip_read, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
