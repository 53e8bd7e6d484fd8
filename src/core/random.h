/* Counter-based random numbers: Philox 4x32-10 (Salmon et al. 2011), through Random123.
 *
 * A draw is a pure function of (seed, site, counter).  A site is a hash of a name, so that adding
 * one consumer of randomness changes no other.  There is no generator and no hidden state. */
#ifndef CORE_RANDOM_H
#define CORE_RANDOM_H

#include <stdint.h>

/* Hash of a name, for a site. */
uint64_t rv_site(const char *name);
/* The Philox key of (seed, site): two words. */
void rv_random_key(uint64_t seed, uint64_t site, uint32_t key[2]);
/* Four words from a key and a counter of four words. */
void rv_random_block(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]);
/* u = ((bits >> 9) + 0.5) * 2^-23, in (0, 1), never 0 or 1. */
double rv_random_uniform(uint32_t bits);

/* A small sequential view for host code (shuffles, strokes, initialisers): word i of stream
 * (seed, site, a, b).  The state is the caller's. */
typedef struct rv_stream {
    uint32_t key[2], counter[4], block[4];
    int used;
} rv_stream;
rv_stream rv_stream_at(uint64_t seed, uint64_t site, uint32_t a, uint32_t b);
uint32_t rv_stream_bits(rv_stream *stream);
double rv_stream_uniform(rv_stream *stream);                     /* (0, 1) */
double rv_stream_normal(rv_stream *stream);                      /* N(0, 1), Box-Muller */
uint32_t rv_stream_below(rv_stream *stream, uint32_t exclusive); /* unbiased in [0, exclusive) */

#endif
