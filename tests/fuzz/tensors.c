/* safetensors: what is read and written again is read the same. */
#include "fuzz.h"

#include "core/memory.h"
#include "reverie/io.h"

#include <string.h>

static void check_same(const rv_tensors *a, const rv_tensors *b)
{
    fuzz_require(rv_tensors_count(a) == rv_tensors_count(b), "%d tensors became %d",
                 rv_tensors_count(a), rv_tensors_count(b));
    for (int i = 0; i < rv_tensors_count(a); i++) {
        const rv_tensor *p = rv_tensors_at(a, i), *q = rv_tensors_find(b, p->name);
        fuzz_require(q && p->element == q->element && p->rank == q->rank && p->bytes == q->bytes,
                     "tensor %s became another", p->name);
        fuzz_require(memcmp(p->dim, q->dim, sizeof p->dim) == 0, "tensor %s has another shape",
                     p->name);
        fuzz_require(memcmp(p->data, q->data, p->bytes) == 0, "tensor %s has other values",
                     p->name);
    }
}

static void check_metadata(const rv_tensors *a, const rv_tensors *b)
{
    for (int i = 0; i < rv_tensors_metadata_count(a); i++) {
        rv_text_pair pair = rv_tensors_metadata_at(a, i);
        const char *value = rv_tensors_metadata(b, pair.key);
        fuzz_require(strcmp(pair.key, "xxh3_128") == 0 || (value && !strcmp(value, pair.value)),
                     "metadata `%s` became another", pair.key);
    }
}

/* The writer makes the checksum; names that it keeps to itself are not written. */
static void check_written(rv_context *context, const rv_tensors *tensors)
{
    int count = rv_tensors_count(tensors), pairs = 0;
    rv_tensor *tensor = rv_calloc((size_t)count + 1, sizeof *tensor);
    rv_text_pair *pair = rv_calloc((size_t)rv_tensors_metadata_count(tensors) + 1, sizeof *pair);
    rv_tensors *again = NULL;
    fuzz_require(tensor && pair, "no memory");
    for (int i = 0; i < count; i++)
        tensor[i] = *rv_tensors_at(tensors, i);
    for (int i = 0; i < rv_tensors_metadata_count(tensors); i++)
        if (strcmp(rv_tensors_metadata_at(tensors, i).key, "xxh3_128") != 0)
            pair[pairs++] = rv_tensors_metadata_at(tensors, i);
    rv_status status =
        rv_tensors_write(context, fuzz_path("t.safetensors"), tensor, count, pair, pairs);
    fuzz_require(status == RV_OK, "what was read is not written: %s", rv_error_message(context));
    status = rv_tensors_open(context, fuzz_path("t.safetensors"), &again);
    fuzz_require(status == RV_OK, "what was written is not read: %s", rv_error_message(context));
    fuzz_require(rv_tensors_has_checksum(again), "there is no checksum");
    check_same(tensors, again);
    check_metadata(tensors, again);
    rv_tensors_free(again);
    rv_free(tensor);
    rv_free(pair);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rv_context *context = fuzz_begin(size);
    rv_tensors *tensors;
    rv_status status = rv_tensors_parse(context, "input", data, size, &tensors);
    fuzz_told(context, status);
    for (int i = 0; status == RV_OK && i < rv_tensors_count(tensors); i++) {
        const rv_tensor *tensor = rv_tensors_at(tensors, i);
        size_t count = tensor->bytes / rv_element_bytes(tensor->element);
        float *values = rv_malloc(count * sizeof *values);
        fuzz_require(values != NULL, "no memory");
        fuzz_told(context, rv_tensors_read(tensors, tensor->name, values, count));
        rv_free(values);
    }
    if (status == RV_OK)
        check_written(context, tensors);
    rv_tensors_free(tensors);
    return fuzz_end();
}
