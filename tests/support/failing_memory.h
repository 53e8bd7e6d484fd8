/* Making a net while memory fails. */
#ifndef FAILING_MEMORY_H
#define FAILING_MEMORY_H

#include "check.h"
#include "core/memory.h"
#include "reverie/nn.h"

/* Every allocation fails in turn: an error, no net, nothing lost. */
static inline void check_net_without_memory(const char *const *words, int count)
{
    int failures = 0;
    for (uint64_t after = 1; after < 200; after++) {
        int64_t live = rv_memory_counted().live;
        rv_context *context = rv_context_new();
        rv_net *net = NULL;
        rv_memory_fail_after(after, 1);
        rv_status status = rv_net_new(context, "net", words, count, rv_shape1(3), &net);
        rv_memory_fail_after(0, 0);
        assert_int_equal(status, rv_error_status(context));
        assert_true((status == RV_OK) == (net != NULL));
        assert_true(status == RV_OK || status == RV_NO_MEMORY);
        failures += status != RV_OK;
        rv_net_free(net);
        rv_context_free(context);
        assert_int_equal(rv_memory_counted().live, live);
        if (status == RV_OK)
            break;
    }
    assert_in_range(failures, 3, 150);
}

#endif
