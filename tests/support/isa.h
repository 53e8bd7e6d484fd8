/* A test that runs once for each instruction set: its state is the set's name, and it begins with
 * skip_without(state).  The best comes first: the matrix products keep the first cap. */
#ifndef TESTS_ISA_H
#define TESTS_ISA_H

#include "check.h"

#include "reverie/program.h"

#define EACH_ISA(test)                                                                             \
    {#test " (avx512)", test, NULL, NULL, "avx512"}, {#test " (avx2)", test, NULL, NULL, "avx2"},  \
    {                                                                                              \
#test " (baseline)", test, NULL, NULL, "baseline"                                          \
    }

/* The name of the set; the test ends here on a machine that lacks it. */
static inline const char *skip_without(void **state)
{
    const char *isa = *state;
    rv_context *context = rv_context_new();
    rv_status status = rv_context_set_isa(context, isa);
    rv_context_free(context);
    if (status != RV_OK) {
        print_message("skipped: this machine has no %s\n", isa);
        skip();
    }
    return isa;
}

#endif
