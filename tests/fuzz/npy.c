/* npy: from memory and from a file the same; what is read and written again is read the same. */
#include "fuzz.h"

#include "reverie/io.h"

#include <string.h>

static void check_same(const rv_array *a, const rv_array *b)
{
    fuzz_require(a->rank == b->rank && a->count == b->count,
                 "%d axes and %zu values became %d, %zu", a->rank, a->count, b->rank, b->count);
    fuzz_require(memcmp(a->dim, b->dim, sizeof *a->dim * (size_t)a->rank) == 0, "another shape");
    fuzz_require(memcmp(a->values, b->values, a->count * sizeof *a->values) == 0, "other values");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rv_context *context = fuzz_begin(size);
    rv_array array, loaded, again;
    rv_status status = rv_array_parse(context, "input", data, size, &array);
    fuzz_told(context, status);
    rv_error_clear(context);
    rv_status other = rv_array_load(context, fuzz_file(data, size), &loaded);
    fuzz_require(status == other, "read from memory %d, from a file %d (%s)", status, other,
                 rv_error_message(context));
    if (status == RV_OK) {
        check_same(&array, &loaded);
        status = rv_array_save(context, fuzz_path("a.npy"), array.values, array.rank, array.dim);
        fuzz_require(status == RV_OK, "not written: %s", rv_error_message(context));
        status = rv_array_load(context, fuzz_path("a.npy"), &again);
        fuzz_require(status == RV_OK, "not read again: %s", rv_error_message(context));
        check_same(&array, &again);
        rv_io_free(again.values);
    }
    rv_io_free(array.values);
    rv_io_free(loaded.values);
    return fuzz_end();
}
