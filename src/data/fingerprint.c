/* A checksum of a source: the stored values of its images and their labels, independent of the kind
 * of pixels.  XXH3, 128 bits; no protection against malice. */
#include "data/source.h"

#include <stdio.h>
#include <xxhash.h>

void rv_data_fingerprint(rv_source *source)
{
    const rv_source_info *info = &source->info;
    const rv_rows *rows = &source->rows;
    int64_t size[4] = {info->count, info->height, info->width, info->channels};
    size_t values = (size_t)(info->count * info->size);
    XXH64_hash_t part[5] = {XXH3_64bits(size, sizeof size)};
    if (rows->make) /* digits depend on the seed, their number and label */
        part[1] = info->seed;
    else if (rows->bytes)
        part[1] = XXH3_64bits(rows->bytes, values);
    else
        part[2] = XXH3_64bits(rows->values, values * sizeof *rows->values);
    if (rows->make)
        part[3] = XXH3_64bits(source->numbers, (size_t)info->count * sizeof *source->numbers);
    if (source->labels)
        part[4] = XXH3_64bits(source->labels, (size_t)info->count * sizeof *source->labels);
    XXH128_hash_t whole = XXH3_128bits(part, sizeof part);
    snprintf(source->info.fingerprint, sizeof source->info.fingerprint, "%016llx%016llx",
             (unsigned long long)whole.high64, (unsigned long long)whole.low64);
}
