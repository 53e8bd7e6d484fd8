/* Fisher & Yates 1938, in the form of Durstenfeld 1964; the key of the draws is (seed, epoch), so
 * that any epoch can be shuffled without the earlier ones. */
#include "data/order.h"

#include "core/random.h"

void rv_order_shuffle(uint64_t seed, int64_t epoch, int64_t count, uint32_t *order)
{
    rv_stream stream = rv_stream_at(seed, rv_site("data.order"), (uint32_t)epoch,
                                    (uint32_t)((uint64_t)epoch >> 32));
    for (int64_t i = 0; i < count; ++i)
        order[i] = (uint32_t)i;
    for (int64_t i = count - 1; i > 0; --i) {
        uint32_t j = rv_stream_below(&stream, (uint32_t)i + 1);
        uint32_t swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}
