/* A second context for working on another run: its errors and its tuning are its own, and a run
 * that fails stops nobody. */
#include "run/run.h"

#include "core/context.h"

#include <string.h>

static void pass_on(void *user, rv_log_level level, const char *message)
{
    rv_notify(user, level, "%s", message);
}

rv_status run_aside_free(rv_context *context, rv_context *aside, rv_status status)
{
    if (status != RV_OK && rv_error_status(context) == RV_OK) {
        const char *message = aside ? rv_error_message(aside) : "";
        rv_fail(context, status, "%s", *message ? message : rv_status_name(status));
    }
    if (!aside)
        return status;
    rv_status kept = rv_context_return_tuning(context, aside);
    rv_context_free(aside);
    return status == RV_OK ? kept : status;
}

rv_context *run_aside_new(rv_context *context)
{
    rv_context *aside = rv_context_new();
    if (!aside) {
        rv_fail_memory(context);
        return NULL;
    }
    rv_context_set_log(aside, pass_on, context);
    rv_context_set_beside(aside, context);
    rv_context_set_threads(aside, rv_context_threads(context));
    rv_status status = RV_OK;
    const char *backend = rv_context_backend(context), *isa = rv_context_isa(context);
    if (strcmp(rv_context_backend(aside), backend) != 0)
        status = rv_context_set_backend(aside, backend);
    if (status == RV_OK && strcmp(rv_context_isa(aside), isa) != 0)
        status = rv_context_set_isa(aside, isa);
    if (status == RV_OK)
        status = rv_context_lend_tuning(aside, context);
    if (status == RV_OK)
        return aside;
    run_aside_free(context, aside, status);
    return NULL;
}
