/* safetensors: what is written is read, here and in Python; whatever is malformed is refused. */
#include "check.h"
#include "reverie/io.h"

#include <stdio.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static rv_context *context;
static char folder[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/reverie-tensors-XXXXXX");
    context = rv_context_new();
    return context && mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    rv_context_free(context);
    return rmdir(folder);
}

static const char *in_folder(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* ---- a file of every element type, which golden/check_safetensors.py knows too ---- */

static const float weight[] = {0.5f, -1, 2, 3, 4, 5};
static const uint16_t half[] = {0x0000, 0x3c00, 0xc100, 0x7bff}; /* 0, 1, -2.5, 65504 */
static const uint16_t brain[] = {0x3f80, 0xc020};                /* 1, -2.5 */
static const int64_t steps[] = {(int64_t)1 << 40};
static const uint8_t small[] = {0, 128, 255};
static const double tenth[] = {0.1};
static const int32_t counts[] = {-7, 7};

static const rv_tensor every[] = {
    {"a.weight", RV_ELEMENT_F32, 2, {2, 3}, weight, sizeof weight},
    {"b.half", RV_ELEMENT_F16, 1, {4}, half, sizeof half},
    {"c.brain", RV_ELEMENT_BF16, 2, {2, 1}, brain, sizeof brain},
    {"d.steps", RV_ELEMENT_I64, 1, {1}, steps, sizeof steps},
    {"e.bytes", RV_ELEMENT_U8, 1, {3}, small, sizeof small},
    {"f.double", RV_ELEMENT_F64, 0, {0}, tenth, sizeof tenth},
    {"g.counts", RV_ELEMENT_I32, 1, {2}, counts, sizeof counts},
    {"h.empty", RV_ELEMENT_F32, 2, {0, 2}, weight, 0},
};
enum { EVERY = sizeof every / sizeof *every };
static const rv_text_pair pairs[] = {
    {"format_version", "1"},
    {"zeros", "0000000000000000000000000000000000000000"}, /* must not pass for the checksum */
    {"note", "na\xc3\xafve\n\"quoted\""},
};
enum { PAIRS = sizeof pairs / sizeof *pairs };

/* The bytes of a written file; rv_io_free. */
static uint8_t *written(const rv_tensor *tensors, int tensor_count, int pair_count, size_t *count)
{
    uint8_t *bytes;
    const char *path = in_folder("written.safetensors");
    rv_tensors_write(context, path, tensors, tensor_count, pairs, pair_count);
    check_ok(context);
    rv_file_read(context, path, 1 << 20, &bytes, count);
    check_ok(context);
    unlink(path);
    return bytes;
}

static void check_values(const rv_tensors *tensors, const char *name, const double *expected,
                         size_t count)
{
    float got[16];
    assert_true(count <= 16);
    rv_tensors_read(tensors, name, got, count);
    check_ok(context);
    for (size_t i = 0; i < count; i++)
        if (isnan(expected[i]) ? !isnan(got[i]) : got[i] != (float)expected[i])
            fail_msg("%s[%zu]: got %.9g, expected %.9g", name, i, got[i], expected[i]);
}

#define CHECK_VALUES(tensors, name, ...)                                                           \
    check_values(tensors, name, (const double[]){__VA_ARGS__},                                     \
                 sizeof((const double[]){__VA_ARGS__}) / sizeof(double))

static void test_round_trip(void **state)
{
    (void)state;
    rv_tensors *tensors;
    const char *keep = getenv("REVERIE_KEEP"), *path = keep ? keep : in_folder("every.safetensors");
    rv_tensors_write(context, path, every, EVERY, pairs, PAIRS);
    rv_tensors_open(context, path, &tensors);
    check_ok(context);
    assert_int_equal(rv_tensors_count(tensors), EVERY);
    for (int i = 0; i < EVERY; i++) {
        const rv_tensor *got = rv_tensors_find(tensors, every[i].name);
        assert_non_null(got);
        assert_non_null(rv_tensors_at(tensors, i));
        assert_int_equal(got->element, every[i].element);
        assert_int_equal(got->rank, every[i].rank);
        for (int axis = 0; axis < got->rank; axis++)
            assert_int_equal(got->dim[axis], every[i].dim[axis]);
        assert_int_equal(got->bytes, every[i].bytes);
        assert_memory_equal(got->data, every[i].data, got->bytes);
    }
    for (int i = 0; i < PAIRS; i++)
        assert_string_equal(rv_tensors_metadata(tensors, pairs[i].key), pairs[i].value);
    int found = 0;
    for (int i = 0; i < rv_tensors_metadata_count(tensors); i++) {
        rv_text_pair pair = rv_tensors_metadata_at(tensors, i);
        assert_string_equal(rv_tensors_metadata(tensors, pair.key), pair.value);
        for (int k = 0; k < PAIRS; k++)
            found += strcmp(pair.key, pairs[k].key) == 0;
    }
    assert_int_equal(found, PAIRS);
    assert_null(rv_tensors_metadata_at(tensors, -1).key);
    assert_null(rv_tensors_metadata_at(tensors, rv_tensors_metadata_count(tensors)).key);
    assert_true(rv_tensors_has_checksum(tensors));
    assert_null(rv_tensors_metadata(tensors, "absent"));
    assert_null(rv_tensors_find(tensors, "absent"));
    assert_null(rv_tensors_find(tensors, "__metadata__"));
    assert_null(rv_tensors_at(tensors, EVERY));
    assert_null(rv_tensors_at(tensors, -1));
    CHECK_VALUES(tensors, "b.half", 0, 1, -2.5, 65504);
    CHECK_VALUES(tensors, "c.brain", 1, -2.5);
    CHECK_VALUES(tensors, "d.steps", 1099511627776.0);
    CHECK_VALUES(tensors, "e.bytes", 0, 128, 255);
    CHECK_VALUES(tensors, "f.double", 0.1);
    CHECK_VALUES(tensors, "g.counts", -7, 7);
    float values[7];
    assert_int_equal(rv_tensors_read(tensors, "a.weight", values, 7), RV_BAD_FILE);
    check_error(context, RV_BAD_FILE, "tensor a.weight has 6 values, not 7");
    assert_int_equal(rv_tensors_read(tensors, "nothing", values, 1), RV_BAD_FILE);
    check_error(context, RV_BAD_FILE, "there is no tensor nothing");
    rv_tensors_free(tensors);
    if (!keep)
        unlink(path);
}

static void test_python_file(void **state)
{
    (void)state;
    rv_tensors *tensors;
    rv_tensors_open(context, REVERIE_SOURCE_DIR "/tests/golden/io/python.safetensors", &tensors);
    check_ok(context);
    assert_int_equal(rv_tensors_count(tensors), 7);
    assert_false(rv_tensors_has_checksum(tensors));
    assert_string_equal(rv_tensors_metadata(tensors, "note"), "na\xc3\xafve\n\"quoted\"");
    CHECK_VALUES(tensors, "f32", -1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75);
    CHECK_VALUES(tensors, "f16", 0, 1, -2.5, ldexp(1, -24), 65504, INFINITY, -INFINITY,
                 0.333251953125);
    CHECK_VALUES(tensors, "bf16", 0, 1, -2.5, ldexp(1, -126), ldexp(3, 100), INFINITY, NAN,
                 -0.33203125);
    CHECK_VALUES(tensors, "i64", -3, 0, 1099511627776.0);
    CHECK_VALUES(tensors, "u8", 0, 1, 127, 128, 255);
    CHECK_VALUES(tensors, "scalar", 2.5);
    assert_int_equal(rv_tensors_find(tensors, "scalar")->rank, 0);
    const rv_tensor *matrix = rv_tensors_find(tensors, "f32"), *empty = NULL;
    assert_int_equal(matrix->rank, 2);
    assert_int_equal(matrix->dim[0], 3);
    assert_int_equal(matrix->dim[1], 4);
    empty = rv_tensors_find(tensors, "empty");
    assert_int_equal(empty->bytes, 0);
    assert_int_equal(empty->dim[1], 3);
    rv_tensors_free(tensors);
}

/* ---- the checksum ---- */

static void test_checksum_rule(void **state)
{
    (void)state;
    static const char key[] = "\"xxh3_128\":\"";
    char digits[33], expected[33];
    size_t count, length;
    uint8_t *bytes = written(every, EVERY, PAIRS, &count);
    uint8_t *at = memmem(bytes, count, key, strlen(key));
    assert_non_null(at);
    at += strlen(key);
    memcpy(digits, at, 32);
    digits[32] = '\0';
    memset(at, '0', 32);
    XXH128_hash_t hash = XXH3_128bits(bytes, count);
    snprintf(expected, sizeof expected, "%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
    assert_string_equal(digits, expected);
    memcpy(&length, bytes, 8);
    assert_int_equal((8 + length) % 64, 0);
    rv_io_free(bytes);
}

static void test_same_content_same_bytes(void **state)
{
    (void)state;
    size_t first_count, second_count;
    uint8_t *first = written(every, EVERY, PAIRS, &first_count);
    uint8_t *second = written(every, EVERY, PAIRS, &second_count);
    assert_int_equal(first_count, second_count);
    assert_memory_equal(first, second, first_count);
    rv_io_free(first);
    rv_io_free(second);
}

/* ---- damage ---- */

static void expect_bad(const uint8_t *bytes, size_t count, const char *what, size_t where)
{
    rv_tensors *tensors;
    rv_status status = rv_tensors_parse(context, "model.st", bytes, count, &tensors);
    if (status != RV_BAD_FILE || tensors)
        fail_msg("%s %zu of %zu bytes: got status %d, expected %d", what, where, count, status,
                 RV_BAD_FILE);
    check_error(context, RV_BAD_FILE, "model.st");
}

static void test_every_truncation(void **state)
{
    (void)state;
    size_t count;
    uint8_t *bytes = written(every, EVERY, PAIRS, &count);
    for (size_t kept = 0; kept < count; kept++) {
        uint8_t *copy = malloc(kept + !kept); /* of its own, so that a sanitizer sees its end */
        assert_non_null(copy);
        memcpy(copy, bytes, kept);
        expect_bad(copy, kept, "truncated to", kept);
        free(copy);
    }
    uint8_t *longer = calloc(1, count + 1);
    assert_non_null(longer);
    memcpy(longer, bytes, count);
    expect_bad(longer, count + 1, "one byte more than", count);
    free(longer);
    rv_io_free(bytes);
}

static void test_every_flipped_bit(void **state)
{
    (void)state;
    size_t count;
    uint8_t *bytes = written(every, EVERY, 2, &count);
    for (size_t bit = 0; bit < 8 * count; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        expect_bad(bytes, count, "flipped bit", bit);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    rv_tensors *tensors;
    rv_tensors_parse(context, "model.st", bytes, count, &tensors);
    check_ok(context); /* whole again */
    rv_tensors_free(tensors);
    rv_io_free(bytes);
}

/* ---- hand-made headers ---- */

/* A file of this header and so many bytes of zeros after it. */
static rv_status parse_text(const char *header, size_t data, rv_tensors **out)
{
    size_t length = strlen(header);
    uint8_t *bytes = calloc(1, 8 + length + data);
    assert_non_null(bytes);
    bytes[0] = (uint8_t)length;
    bytes[1] = (uint8_t)(length >> 8);
    memcpy(bytes + 8, header, length);
    rv_status status = rv_tensors_parse(context, "hand.st", bytes, 8 + length + data, out);
    free(bytes);
    return status;
}

#define ENTRY(name, type, shape, from, to)                                                         \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" #from "," #to "]}"

static void test_malformed_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        const char *says;
    } cases[] = {
        {"", 0, "is not JSON"},
        {"hello", 0, "is not JSON"},
        {"[]", 0, "is not JSON"},
        {"{\"a\":", 0, "is not JSON"},
        {"{}{}", 0, "is not JSON"},
        {"{} x", 0, "is not JSON"},
        {"{\"\xff\":1}", 0, "is not JSON"},
        {"{" ENTRY("a", "U8", "[1]", 0, 1) "," ENTRY("a", "U8", "[1]", 1, 2) "}", 2, "is not JSON"},
        {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "is not JSON"},
        {"{\"__metadata__\":[]}", 0, "__metadata__ is no object"},
        {"{\"__metadata__\":{\"xxh3_128\":5}}", 0, "__metadata__ is no text"},
        {"{\"__metadata__\":{\"xxh3_128\":\"12\"}}", 0, "checksum mismatch"},
        {"{\"a\":1}", 0, "tensor a: element type"},
        {"{\"a\":{\"dtype\":7}}", 0, "tensor a: element type"},
        {"{" ENTRY("a", "F8", "[1]", 0, 1) "}", 1, "tensor a: element type F8 is not read"},
        {"{" ENTRY("a", "f32", "[1]", 0, 4) "}", 4, "element type f32 is not read"},
        {"{" ENTRY("a", "F32", "3", 0, 4) "}", 4, "tensor a: "},
        {"{" ENTRY("a", "U8", "[-1]", 0, 1) "}", 1, "tensor a: "},
        {"{" ENTRY("a", "U8", "[1.0]", 0, 1) "}", 1, "tensor a: "},
        {"{" ENTRY("a", "U8", "[\"1\"]", 0, 1) "}", 1, "tensor a: "},
        {"{" ENTRY("a", "U8", "[1,1,1,1,1,1,1,1,1]", 0, 1) "}", 1, "tensor a: "},
        {"{" ENTRY("a", "F32", "[4294967296,4294967296]", 0, 0) "}", 0, "tensor a: "},
        {"{" ENTRY("a", "F32", "[9223372036854775807]", 0, 4) "}", 4, "tensor a: "},
        {"{" ENTRY("a", "F32", "[9223372036854775808]", 0, 4) "}", 4, "is not JSON"},
        {"{" ENTRY("a", "F64", "[2305843009213693952,8]", 0, 0) "}", 0, "tensor a: "},
        {"{" ENTRY("a", "F32", "[2]", 0, 4) "}", 4, "tensor a: "},
        {"{" ENTRY("a", "F32", "[2]", 0, 8) "}", 7, "tensor a: "},
        {"{" ENTRY("a", "U8", "[1]", 2, 1) "}", 2, "tensor a: "},
        {"{" ENTRY("a", "U8", "[1]", -1, 0) "}", 1, "tensor a: "},
        {"{" ENTRY("a", "U8", "[1]", 9223372036854775806, 9223372036854775807) "}", 1,
         "tensor a: "},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, "tensor a: "},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, "tensor a: "},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,1]}}", 1, "tensor a: "},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1.5]}}", 1, "tensor a: "},
        {"{" ENTRY("a", "U8", "[2]", 0, 2) "," ENTRY("b", "U8", "[2]", 1, 3) "}", 3, "overlap"},
        {"{" ENTRY("a", "U8", "[2]", 0, 2) "," ENTRY("b", "U8", "[2]", 0, 2) "}", 2, "overlap"},
        {"{" ENTRY("a", "U8", "[1]", 0, 1) "," ENTRY("b", "U8", "[1]", 2, 3) "}", 3, "gap"},
        {"{" ENTRY("a", "U8", "[1]", 1, 2) "}", 2, "gap"},
        {"{" ENTRY("a", "U8", "[1]", 0, 1) "}", 2, "bytes after the last tensor"},
        {"{}", 1, "bytes after the last tensor"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rv_tensors *tensors;
        if (parse_text(cases[i].header, cases[i].data, &tensors) == RV_OK)
            fail_msg("accepted: %s", cases[i].header);
        assert_null(tensors);
        check_error(context, RV_BAD_FILE, cases[i].says);
    }
}

static void test_header_length_lies(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {
        1, 3, 100, 1 << 20, (uint64_t)1 << 32, (uint64_t)1 << 63, UINT64_MAX, UINT64_MAX - 7};
    uint8_t bytes[10] = {2, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
    rv_tensors *tensors;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        memcpy(bytes, &lengths[i], 8);
        expect_bad(bytes, sizeof bytes, "header length", (size_t)lengths[i]);
    }
    bytes[0] = 2;
    memset(bytes + 1, 0, 7);
    rv_tensors_parse(context, "fine.st", bytes, sizeof bytes, &tensors);
    check_ok(context);
    assert_int_equal(rv_tensors_count(tensors), 0);
    rv_tensors_free(tensors);
}

static void test_deep_header(void **state)
{
    (void)state;
    rv_tensors *tensors;
    char deep[60001];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    assert_int_equal(parse_text(deep, 0, &tensors), RV_BAD_FILE);
    check_error(context, RV_BAD_FILE, "is not JSON");
}

static void test_foreign_file(void **state)
{
    (void)state;
    rv_tensors *tensors;
    /* No checksum, the data not in the header's order, an unrelated digest in the metadata. */
    parse_text("{\"__metadata__\":{\"md5sum_x\":\"0123456789abcdef0123456789abcdef\"},"
               "\"b\":{\"data_offsets\":[1,3],\"shape\":[2],\"dtype\":\"U8\"}," //
               ENTRY("a", "U8", "[1]", 0, 1) "}  ",
               3, &tensors);
    check_ok(context);
    assert_false(rv_tensors_has_checksum(tensors));
    assert_int_equal(rv_tensors_count(tensors), 2);
    assert_string_equal(rv_tensors_at(tensors, 0)->name, "a");
    assert_string_equal(rv_tensors_at(tensors, 1)->name, "b");
    rv_tensors_free(tensors);
}

/* ---- refused writes ---- */

static void test_refused_writes(void **state)
{
    (void)state;
    const char *path = in_folder("refused.safetensors");
    rv_tensor two[2] = {every[0], every[0]};
    rv_text_pair bad_pair = {"key", "\xff"};
    rv_tensors_write(context, path, two, 2, NULL, 0);
    check_error(context, RV_BAD_USAGE, "the name a.weight stands twice");
    two[1].name = "__metadata__";
    rv_tensors_write(context, path, two, 2, NULL, 0);
    check_error(context, RV_BAD_USAGE, "the name __metadata__ is taken");
    two[1].name = "\xff";
    rv_tensors_write(context, path, two, 2, NULL, 0);
    check_error(context, RV_BAD_USAGE, "refused.safetensors: ");
    two[1].name = "b";
    two[1].bytes -= 4;
    rv_tensors_write(context, path, two, 2, NULL, 0);
    check_error(context, RV_BAD_USAGE, "tensor b");
    rv_tensors_write(context, path, two, 1, &bad_pair, 1);
    check_error(context, RV_BAD_USAGE, "refused.safetensors: ");
    rv_text_pair same[] = {{"key", "1"}, {"key", "2"}};
    rv_tensors_write(context, path, two, 1, same, 2);
    check_error(context, RV_BAD_USAGE, "the name key stands twice");
    rv_text_pair taken = {"xxh3_128", "1"};
    rv_tensors_write(context, path, two, 1, &taken, 1);
    check_error(context, RV_BAD_USAGE, "the name xxh3_128 is taken");
    assert_false(rv_file_exists(path));
    rv_tensors *tensors;
    assert_int_equal(rv_tensors_open(context, path, &tensors), RV_BAD_FILE);
    check_error(context, RV_BAD_FILE, "refused.safetensors: cannot be read");
}

/* Every allocation of reading fails once: RV_NO_MEMORY, and nothing is left. */
static void test_memory_failures(void **state)
{
    (void)state;
    size_t count;
    uint8_t *bytes = written(every, EVERY, PAIRS, &count);
    int64_t before = rv_memory_counted().live;
    for (uint64_t n = 1;; n++) {
        rv_tensors *tensors;
        rv_memory_fail_after(n, 0);
        rv_status status = rv_tensors_parse(context, "model.st", bytes, count, &tensors);
        rv_memory_fail_after(0, 0);
        rv_tensors_free(tensors);
        assert_int_equal(rv_memory_counted().live, before);
        if (status == RV_OK) {
            assert_true(n > 1);
            break;
        }
        check_error(context, RV_NO_MEMORY, "memory");
    }
    rv_io_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_python_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_checksum_rule, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_same_content_same_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_truncation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_flipped_bit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_malformed_headers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_header_length_lies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deep_header, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_foreign_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused_writes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_memory_failures, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
