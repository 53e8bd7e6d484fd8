/* The keys of random draws: hashes of seeds and sites. */
#include "core/random.h"

#include <math.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <Random123/philox.h>
#pragma GCC diagnostic pop

uint64_t rv_site(const char *name)
{
    return XXH3_64bits(name, strlen(name));
}

void rv_random_key(uint64_t seed, uint64_t site, uint32_t key[2])
{
    uint64_t words[2] = {seed, site};
    uint64_t hash = XXH3_64bits(words, sizeof words);
    key[0] = (uint32_t)hash;
    key[1] = (uint32_t)(hash >> 32);
}

void rv_random_block(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4])
{
    philox4x32_ctr_t c = {{counter[0], counter[1], counter[2], counter[3]}};
    philox4x32_key_t k = {{key[0], key[1]}};
    philox4x32_ctr_t r = philox4x32_R(10, c, k);
    memcpy(out, r.v, sizeof r.v);
}

double rv_random_uniform(uint32_t bits)
{
    return ((double)(bits >> 9) + 0.5) * 0x1p-23;
}

rv_stream rv_stream_at(uint64_t seed, uint64_t site, uint32_t a, uint32_t b)
{
    rv_stream stream = {.counter = {0, 0, a, b}, .used = 4};
    rv_random_key(seed, site, stream.key);
    return stream;
}

uint32_t rv_stream_bits(rv_stream *stream)
{
    if (stream->used == 4) {
        rv_random_block(stream->key, stream->counter, stream->block);
        if (++stream->counter[0] == 0)
            ++stream->counter[1];
        stream->used = 0;
    }
    return stream->block[stream->used++];
}

double rv_stream_uniform(rv_stream *stream)
{
    return rv_random_uniform(rv_stream_bits(stream));
}

double rv_stream_normal(rv_stream *stream)
{
    double radius = sqrt(-2.0 * log(rv_stream_uniform(stream)));
    return radius * cos(2.0 * 3.14159265358979323846 * rv_stream_uniform(stream));
}

uint32_t rv_stream_below(rv_stream *stream, uint32_t exclusive)
{
    uint32_t limit = exclusive ? UINT32_MAX - UINT32_MAX % exclusive : 0;
    uint32_t bits;
    if (exclusive < 2)
        return 0;
    do
        bits = rv_stream_bits(stream);
    while (bits >= limit);
    return bits % exclusive;
}
