/* What a file is, by its first bytes, and that every reader says so of what is not its own. */
#include "check.h"
#include "reverie/io.h"

#include <unistd.h>
#include <zlib.h>

static rv_context *context;
static char folder[64], path[96];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/reverie-kinds-XXXXXX");
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

static const char page[] =
    "\xef\xbb\xbf\n <?xml version='1.0'?>\n<!DOCTYPE HTML PUBLIC \"x\"><html>";

static void test_kinds(void **state)
{
    static uint8_t tar[512] = "name";
    (void)state;
    memcpy(tar + 257, "ustar", 5);
    const struct {
        const void *bytes;
        size_t count;
        const char *kind;
    } cases[] = {
        {"", 0, "empty"},
        {page, sizeof page - 1, "a web page, not the data: the download failed"},
        {"<HTML><head>", 12, "a web page"},
        {"<note>no page</note>", 20, "plain text"},
        {"version https://git-lfs.github.com/spec/v1\noid", 45, "a Git LFS pointer"},
        {"PK\3\4\24\0\0\0\0\0xxxxxxxxxxxxxxxx\5\0\0\0a.txt", 35, "a zip archive"},
        {"PK\3\4\24\0\0\0\0\0xxxxxxxxxxxxxxxx\5\0\0\0x.npy", 35, "an .npz archive"},
        {"\x1f\x8b\x08", 3, "a gzip file"},
        {tar, sizeof tar, "a tar archive"},
        {"\x89PNG\r\n\x1a\n", 8, "a PNG image"},
        {"\xff\xd8\xff\xe0", 4, "a JPEG image; save it as PNG"},
        {"GIF89a", 6, "a GIF image"},
        {"BM\x46\0\0\0\0\0\0\0\x36\0\0\0", 14, "a BMP image"},
        {"RIFF\4\0\0\0WEBPVP8 ", 16, "a WebP image"},
        {"II*\0\10\0\0\0", 8, "a TIFF image"},
        {"MM\0*\0\0\0\10", 8, "a TIFF image"},
        {"\x93NUMPY\1\0", 8, "a NumPy array"},
        {"\x10\0\0\0\0\0\0\0{\"a\":{}}", 16, "a safetensors file"},
        {"%PDF-1.7", 8, "a PDF document"},
        {"\x89HDF\r\n\x1a\n", 8, "an HDF5 file"},
        {"PAR1\x15\4", 6, "a Parquet file"},
        {"\x80\4\x95\0", 4, "a pickle of Python"},
        {"\0\0\x08\3\0\0", 6, "an IDX file"},
        {"caf\xc3\xa9, 1, 2\n", 12, "plain text"},
        {"BMI: 24\n", 8, "plain text"},
        {"\0\1\2\3\4", 5, "a file of an unknown kind"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char kind[RV_KIND_ROOM];
        uint8_t *copy = malloc(cases[i].count + 1);
        assert_non_null(copy);
        memcpy(copy, cases[i].bytes, cases[i].count);
        int known = rv_kind_of_bytes(copy, cases[i].count, kind);
        if (strncmp(kind, cases[i].kind, strlen(cases[i].kind)) != 0)
            fail_msg("case %zu: got \"%s\", expected \"%s\"", i, kind, cases[i].kind);
        assert_int_equal(known, strstr(kind, "unknown") == NULL);
        free(copy);
    }
}

static void write_gzip(const void *bytes, size_t count, size_t zeros)
{
    gzFile file = gzopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes, (unsigned)count), (int)count);
    assert_int_equal(gzclose(file), Z_OK);
    FILE *more = fopen(path, "ab");
    assert_non_null(more);
    for (size_t i = 0; i < zeros; i++)
        fputc(0, more);
    assert_int_equal(fclose(more), 0);
}

static void test_kinds_inside_gzip(void **state)
{
    char kind[RV_KIND_ROOM];
    (void)state;
    write_gzip(page, sizeof page - 1, 0);
    assert_int_equal(rv_kind_of_file(path, kind), 1);
    if (!strstr(kind, "a gzip file that holds a web page"))
        fail_msg("got \"%s\"", kind);
    unlink(path);
    assert_int_equal(rv_kind_of_file(path, kind), 0);
}

/* Each reader, given a web page, a pointer and a picture of another kind. */
static void test_every_reader_says_what_it_got(void **state)
{
    static const struct {
        const char *bytes, *kind;
    } cases[] = {
        {page, "is a web page, not the data: the download failed"},
        {"version https://git-lfs.github.com/spec/v1\noid sha256:0", "is a Git LFS pointer"},
        {"GIF89a, but not much of it: 32 bytes", "is a GIF image"}};
    (void)state;
    for (int i = 0; i < 3; i++) {
        rv_array array;
        rv_idx idx;
        rv_pixels8 pixels;
        rv_tensors *tensors;
        rv_png_facts facts;
        rv_file_write(context, path, cases[i].bytes, strlen(cases[i].bytes));
        check_ok(context);
        assert_int_equal(rv_array_load(context, path, &array), RV_BAD_FILE);
        check_error(context, RV_BAD_FILE, cases[i].kind);
        assert_int_equal(rv_array_header(context, path, &array), RV_BAD_FILE);
        check_error(context, RV_BAD_FILE, cases[i].kind);
        assert_int_equal(rv_idx_header(context, path, 3, &idx), RV_BAD_FILE);
        check_error(context, RV_BAD_FILE, cases[i].kind);
        assert_int_equal(rv_png_load(context, path, &pixels), RV_BAD_FILE);
        check_error(context, RV_BAD_FILE, cases[i].kind);
        assert_int_equal(rv_png_header(context, path, &pixels, &facts), RV_BAD_FILE);
        check_error(context, RV_BAD_FILE, cases[i].kind);
        assert_int_equal(rv_tensors_open(context, path, &tensors), RV_BAD_FILE);
        check_error(context, RV_BAD_FILE, cases[i].kind);
        write_gzip(cases[i].bytes, strlen(cases[i].bytes), 0);
        assert_int_equal(rv_idx_load(context, path, 3, 0, &idx), RV_BAD_FILE);
        check_error(context, RV_BAD_FILE, cases[i].kind);
    }
}

/* Zeros behind a gzip are padding, as many as there are; anything else is refused. */
static void test_gzip_may_be_padded(void **state)
{
    static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9};
    static const size_t zeros[] = {1, 2, 511, 70000, 200000};
    (void)state;
    for (int i = 0; i < 5; i++) {
        rv_idx idx;
        write_gzip(labels, sizeof labels, zeros[i]);
        rv_idx_load(context, path, 1, 0, &idx);
        check_ok(context);
        assert_memory_equal(idx.bytes, labels + 8, 3);
        rv_io_free(idx.bytes);
        FILE *more = fopen(path, "ab");
        assert_non_null(more);
        fputc('x', more);
        assert_int_equal(fclose(more), 0);
        assert_int_equal(rv_idx_load(context, path, 1, 0, &idx), RV_BAD_FILE);
        check_error(context, RV_BAD_FILE, "something else follows its end");
    }
}

/* Rows of an array, and nothing else of its file. */
static void test_rows_of_an_array(void **state)
{
    static const double values[] = {0, 1, 2, 3, 4, 5, 6, 7};
    static const int64_t dim[] = {4, 2};
    rv_array header, other;
    float two[2];
    (void)state;
    rv_array_save_as(context, path, RV_ELEMENT_F64, values, 2, dim);
    rv_array_header(context, path, &header);
    check_ok(context);
    assert_null(header.values);
    assert_int_equal(header.count, 8);
    rv_array_read(context, &header, (rv_array_rows){path, 3, 1}, two);
    check_ok(context);
    check_near(two[0], 6, 0, "first of the last row");
    check_near(two[1], 7, 0, "last of the last row");
    rv_array_read(context, &header, (rv_array_rows){path, 4, 1}, two);
    check_error(context, RV_BAD_USAGE, "there are no rows 4 to 4");
    rv_array_read_bytes(context, &header, (rv_array_rows){path, 0, 1}, (uint8_t *)two);
    check_error(context, RV_BAD_USAGE, "no bytes");
    static const int64_t turned[] = {2, 4};
    rv_array_save_as(context, path, RV_ELEMENT_F64, values, 2, turned);
    rv_array_read(context, &header, (rv_array_rows){path, 0, 1}, two);
    check_error(context, RV_BAD_FILE, "another array");
    assert_int_equal(truncate(path, 100), 0);
    rv_array_header(context, path, &other);
    check_error(context, RV_BAD_FILE, "truncated");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kinds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_kinds_inside_gzip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_reader_says_what_it_got, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_gzip_may_be_padded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rows_of_an_array, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
