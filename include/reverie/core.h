/* reverie/core.h - floor 0: the context, its latched first error, messages, version.
 *
 *     rv_context *context = rv_context_new();
 *     rv_context_set_threads(context, 2);
 *     ...                                   // any number of fallible calls
 *     if (rv_error_status(context) != RV_OK)
 *         fprintf(stderr, "%s\n", rv_error_message(context));
 *     rv_context_free(context);             // frees the parameters it owns
 *
 * The library never exits, aborts, prints, or reads the environment.  The first failure is kept
 * (latched) in the context; later failures do not overwrite it.
 *
 * fork: if no call into the library was running, the child may use and free everything that it
 * inherited.  It has no threads of programs and loaders: they are started again when needed.
 * Parent and child share open files: only one of them may continue a training that writes.
 */
#ifndef REVERIE_CORE_H
#define REVERIE_CORE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define RV_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define RV_PRINTF(text, first)
#endif

/* One row for each status: symbol, process exit code (also the value), name, meaning. */
#define RV_STATUS_MAP(X)                                                                           \
    X(RV_OK, 0, "ok", "fine")                                                                      \
    X(RV_BAD_USAGE, 2, "usage", "bad usage, setting, or shape")                                    \
    X(RV_BAD_FILE, 3, "bad file", "missing, malformed, or corrupt input file")                     \
    X(RV_IO_ERROR, 4, "i/o", "input/output error or disk full")                                    \
    X(RV_NOT_FINITE, 5, "numerical", "a value that must be finite is not")                         \
    X(RV_NO_MEMORY, 6, "memory", "out of memory")                                                  \
    X(RV_PEER_LOST, 7, "peer lost", "a distributed peer was lost")                                 \
    X(RV_INTERRUPTED, 75, "interrupted", "interrupted, and resumable")

typedef enum rv_status {
#define RV_STATUS_ENUM(symbol, code, name, meaning) symbol = code,
    RV_STATUS_MAP(RV_STATUS_ENUM)
#undef RV_STATUS_ENUM
} rv_status;

typedef struct rv_context rv_context;

typedef enum rv_log_level { RV_LOG_INFO, RV_LOG_NOTICE, RV_LOG_WARNING } rv_log_level;
typedef void (*rv_log_fn)(void *user, rv_log_level level, const char *message);

/* The version, "0.1.0"; static. */
const char *rv_version(void);
/* The name of a status ("numerical"), static.  Unknown values give "unknown". */
const char *rv_status_name(rv_status status);

/* A new context with the fastest backend of this machine; NULL when memory is out.  The caller owns
 * it.  One thread at a time may use a context; only rv_fail and rv_notify may be called from other
 * threads. */
rv_context *rv_context_new(void);
/* Frees the context and every parameter in it, after its graphs and programs have been freed.  NULL
 * is ignored. */
void rv_context_free(rv_context *context);

/* Latches a failure with a printf-style message: the first failure wins.  A message that is too
 * long loses the middle of its paths, so that the reason remains.  Returns `status`, so that a
 * caller can write `return rv_fail(context, RV_BAD_FILE, "%s: ...", path)`. */
rv_status rv_fail(rv_context *context, rv_status status, const char *format, ...) RV_PRINTF(3, 4);
/* Latches RV_NO_MEMORY with the standard message; returns RV_NO_MEMORY. */
rv_status rv_fail_memory(rv_context *context);
/* The latched status; RV_OK when there is none. */
rv_status rv_error_status(const rv_context *context);
/* The latched message; "" when there is none.  The context owns it; valid until the error is
 * cleared. */
const char *rv_error_message(const rv_context *context);
/* Forgets the latched error. */
void rv_error_clear(rv_context *context);

/* Sends messages (never errors) to `log`; NULL, the default, discards them. */
void rv_context_set_log(rv_context *context, rv_log_fn log, void *user);
/* Sends a printf-style message to that log. */
void rv_notify(rv_context *context, rv_log_level level, const char *format, ...) RV_PRINTF(3, 4);
/* The same, but each message only once for each context. */
void rv_notify_once(rv_context *context, rv_log_level level, const char *format, ...)
    RV_PRINTF(3, 4);

/* The processors that this process may run on (taskset, containers), at least 1. */
int rv_processors(void);
/* Worker threads for programs compiled later; 0 (the default) means one for each core of those
 * processors, or fewer where a control group (a container) allows less time. */
void rv_context_set_threads(rv_context *context, int threads);
/* The number of threads that programs use, at least 1. */
int rv_context_threads(const rv_context *context);

/* Seed of the initial values of parameters; default 1. */
void rv_context_set_seed(rv_context *context, uint64_t seed);
uint64_t rv_context_seed(const rv_context *context);

#ifdef __cplusplus
}
#endif
#endif
