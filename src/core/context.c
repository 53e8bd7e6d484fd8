/* The latched first error follows SQLite: a chain of calls needs one check at its end. */
#include "core/context.h"

#include "core/fork.h"
#include "core/memory.h"
#include "core/text.h"

#include <sched.h>
#include <stdio.h>
#include <unistd.h>

const char *rv_version(void)
{
    return "0.1.0";
}

const char *rv_status_name(rv_status status)
{
    switch (status) {
#define RV_STATUS_NAME(symbol, code, name, meaning)                                                \
    case symbol: return name;
        RV_STATUS_MAP(RV_STATUS_NAME)
#undef RV_STATUS_NAME
    }
    return "unknown";
}

rv_context *rv_context_new(void)
{
    rv_context *context = rv_calloc(1, sizeof *context);
    if (!context)
        return NULL;
    if (!rv_fork_watch() || pthread_mutex_init(&context->lock, NULL) != 0) {
        rv_free(context);
        return NULL;
    }
    context->seed = 1;
    context->conv_memory = (size_t)256 << 20;
    return context;
}

void rv_context_free(rv_context *context)
{
    if (!context)
        return;
    if (context->parameters_free)
        context->parameters_free(context->parameters);
    if (context->workers_free)
        context->workers_free(context->workers);
    rv_choices_clear(&context->choices);
    rv_free(context->choices_text);
    pthread_mutex_destroy(&context->lock);
    rv_free(context);
}

/* Names from files reach messages: what could move a terminal's cursor does not. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

rv_status rv_fail(rv_context *context, rv_status status, const char *format, ...)
{
    pthread_mutex_lock(&context->lock);
    if (context->status == RV_OK) {
        va_list arguments;
        va_start(arguments, format);
        context->status = status;
        rv_text_format_list(context->message, sizeof context->message, format, arguments);
        va_end(arguments);
        make_printable(context->message);
    }
    pthread_mutex_unlock(&context->lock);
    return status;
}

rv_status rv_fail_memory(rv_context *context)
{
    return rv_fail(context, RV_NO_MEMORY, "out of memory");
}

rv_status rv_error_status(const rv_context *context)
{
    return context->status;
}

const char *rv_error_message(const rv_context *context)
{
    return context->message;
}

void rv_error_clear(rv_context *context)
{
    pthread_mutex_lock(&context->lock);
    context->status = RV_OK;
    context->message[0] = '\0';
    pthread_mutex_unlock(&context->lock);
}

void rv_context_set_log(rv_context *context, rv_log_fn log, void *user)
{
    pthread_mutex_lock(&context->lock);
    context->log = log;
    context->log_user = user;
    pthread_mutex_unlock(&context->lock);
}

void rv_notify(rv_context *context, rv_log_level level, const char *format, ...)
{
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    rv_text_format_list(message, sizeof message, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&context->lock);
    if (context->log)
        context->log(context->log_user, level, message);
    pthread_mutex_unlock(&context->lock);
}

void rv_context_set_threads(rv_context *context, int threads)
{
    context->threads = threads < 0 ? 0 : threads;
}

int rv_processors(void)
{
    cpu_set_t allowed;
    int count = sched_getaffinity(0, sizeof allowed, &allowed) == 0
                    ? CPU_COUNT(&allowed)
                    : (int)sysconf(_SC_NPROCESSORS_ONLN);
    return count > 1 ? count : 1;
}

int rv_context_threads(const rv_context *context)
{
    return context->threads > 0 ? context->threads : rv_processors();
}

void rv_context_set_seed(rv_context *context, uint64_t seed)
{
    context->seed = seed;
}

uint64_t rv_context_seed(const rv_context *context)
{
    return context->seed;
}
