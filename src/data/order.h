/* The order of an epoch. */
#ifndef DATA_ORDER_H
#define DATA_ORDER_H

#include <stdint.h>

/* Fills `order` with a permutation of 0 .. count-1 that depends only on (seed, epoch). */
void rv_order_shuffle(uint64_t seed, int64_t epoch, int64_t count, uint32_t *order);

#endif
