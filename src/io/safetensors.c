/* safetensors: 8 bytes of header length, a JSON header, the data.
 *
 * Reverie adds "xxh3_128" to __metadata__: XXH3-128 of the whole file with those 32 digits taken as
 * '0'.  The format itself has no checksum. */
#include "io/tensors.h"

#include <stdio.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static const struct {
    const char *name;
    size_t bytes;
} elements[] = {{"F32", 4}, {"F64", 8}, {"F16", 2}, {"BF16", 2}, {"I64", 8}, {"I32", 4}, {"U8", 1}};

size_t rv_element_bytes(rv_element element)
{
    return elements[element].bytes;
}

const char *rv_element_name(rv_element element)
{
    return elements[element].name;
}

int rv_element_find(const char *name)
{
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        if (strcmp(elements[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* ---- writing ---- */

static const char zeros[33] = "00000000000000000000000000000000";

static json_t *describe(const rv_tensor *tensor, size_t *offset)
{
    json_t *shape = json_array();
    for (int i = 0; i < tensor->rank; i++)
        json_array_append_new(shape, json_integer(tensor->dim[i]));
    size_t begin = *offset;
    *offset += tensor->bytes;
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", rv_element_name(tensor->element), "shape",
                     shape, "data_offsets", (json_int_t)begin, (json_int_t)*offset);
}

static json_t *metadata_of(const rv_text_pair *pairs, int count)
{
    json_t *metadata = json_object();
    for (int i = 0; i < count; i++)
        json_object_set_new(metadata, pairs[i].key, json_string(pairs[i].value));
    json_object_set_new(metadata, "xxh3_128", json_string(zeros));
    return metadata;
}

/* The header, padded with spaces so that the data begin at a multiple of 64 bytes; free(). */
static char *make_header(const rv_tensor *tensors, int count, const rv_text_pair *pairs,
                         int pair_count, size_t *length)
{
    size_t offset = 0;
    json_t *header = json_object();
    json_object_set_new(header, "__metadata__", metadata_of(pairs, pair_count));
    for (int i = 0; i < count; i++)
        json_object_set_new(header, tensors[i].name, describe(&tensors[i], &offset));
    char *text = json_dumps(header, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(header);
    if (!text)
        return NULL;
    size_t used = strlen(text), padded = (8 + used + 63) / 64 * 64 - 8;
    char *grown = realloc(text, padded + 1);
    if (!grown) {
        free(text);
        return NULL;
    }
    memset(grown + used, ' ', padded - used);
    grown[padded] = '\0';
    *length = padded;
    return grown;
}

static void length_bytes(size_t length, uint8_t out[8])
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)((uint64_t)length >> (8 * i));
}

/* Puts the digits of the whole file's checksum where its zeros are. */
static int sign(char *header, size_t length, const rv_tensor *tensors, int count)
{
    char digits[33], *at = strstr(header, zeros);
    uint8_t start[8];
    XXH3_state_t *state = XXH3_createState();
    if (!state || !at) {
        XXH3_freeState(state);
        return 0;
    }
    length_bytes(length, start);
    XXH3_128bits_reset(state);
    XXH3_128bits_update(state, start, sizeof start);
    XXH3_128bits_update(state, header, length);
    for (int i = 0; i < count; i++)
        XXH3_128bits_update(state, tensors[i].data, tensors[i].bytes);
    rv_checksum_text(XXH3_128bits_digest(state), digits);
    XXH3_freeState(state);
    memcpy(at, digits, 32);
    return 1;
}

void rv_checksum_text(XXH128_hash_t hash, char digits[33])
{
    snprintf(digits, 33, "%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
}

rv_status rv_tensors_write(rv_context *context, const char *path, const rv_tensor *tensors,
                           int count, const rv_text_pair *pairs, int pair_count)
{
    size_t length = 0;
    uint8_t start[8];
    rv_writer *writer;
    char *header = make_header(tensors, count, pairs, pair_count, &length);
    if (!header || !sign(header, length, tensors, count)) {
        free(header);
        return rv_fail_memory(context);
    }
    rv_status status = rv_writer_open(context, path, &writer);
    if (status == RV_OK) {
        length_bytes(length, start);
        rv_writer_append(writer, start, sizeof start);
        rv_writer_append(writer, header, length);
        for (int i = 0; i < count; i++)
            rv_writer_append(writer, tensors[i].data, tensors[i].bytes);
        status = rv_writer_commit(writer);
    }
    free(header);
    return status;
}
