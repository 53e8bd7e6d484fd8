/* Functions of every verb: messages, JSON, and stop requests. */
#include "verb.h"

#include "core/clock.h"
#include "core/memory.h"
#include "values/json.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void cli_say(const cli_call *call, const char *format, ...)
{
    if (call->quiet)
        return;
    va_list list;
    va_start(list, format);
    fputs("reverie: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
}

int cli_wider(int width, const char *text)
{
    int length = (int)strlen(text);
    return length > width ? length : width;
}

/* ---- JSON ---- */

rv_status cli_print_json(cli_call *call, json_t *value)
{
    char *text = NULL;
    if (!value)
        return rv_fail(call->context, RV_IO_ERROR,
                       "the result cannot be written as JSON: a number in it is not finite, or a "
                       "text not UTF-8");
    rv_status status =
        rv_json_write(call->context, value, JSON_INDENT(2) | JSON_REAL_PRECISION(9), &text);
    if (status == RV_OK)
        puts(text);
    rv_free(text);
    return status;
}

void cli_give(const cli_call *call, json_t **object, const rv_values *values)
{
    if (call->json)
        rv_values_put(object, values);
    else
        rv_values_print(values, stdout);
}

rv_status cli_end(cli_call *call, json_t *object, rv_status status)
{
    if (status == RV_OK)
        status = rv_error_status(call->context); /* memory was out for a list */
    if (status == RV_OK && call->json)
        return cli_print_json(call, object);
    json_decref(object);
    return status;
}

rv_status cli_give_all(cli_call *call, rv_values *values, rv_status status)
{
    json_t *object = json_object();
    if (status == RV_OK)
        status = rv_error_status(call->context);
    if (status == RV_OK)
        cli_give(call, &object, values);
    rv_values_free(values);
    return cli_end(call, object, status);
}

/* ---- SIGINT, SIGTERM and SIGHUP ----
 *
 * They are blocked in every thread and taken by one that waits for them.  A handler would run on
 * the stack of whatever thread the signal meets, and oneDNN's generated code seems to keep data
 * below the stack pointer, which a handler's frame overwrites: with a handler one stop in sixty
 * ended in a corrupted heap.
 *
 * What the parent ignores, as nohup does with SIGHUP and a shell with the SIGINT of its background
 * programs, stays ignored. */

static atomic_int stop_requested;
static char stop_message[160];

static const double echo_seconds = 0.5;

static void *wait_for_stop(void *set)
{
    int number = 0;
    if (sigwait(set, &number) != 0)
        return NULL;
    atomic_store(&stop_requested, 1);
    (void)!write(STDERR_FILENO, stop_message, strlen(stop_message));
    /* A second Ctrl-C ends the program.  Some tools signal a process and its group at once, and a
     * closing terminal hangs up twice: such echoes count as one request. */
    double first = rv_seconds();
    while (sigwait(set, &number) == 0)
        if (number == SIGINT && rv_seconds() - first > echo_seconds)
            break;
    signal(number, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, set, NULL);
    raise(number);
    return NULL;
}

/* Adds the signals that the program does not have to ignore; 0: none. */
static int add_heeded(sigset_t *set)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    int count = 0;
    sigemptyset(set);
    for (int i = 0; i < CLI_COUNT(numbers); i++) {
        struct sigaction now;
        if (sigaction(numbers[i], NULL, &now) != 0 || now.sa_handler == SIG_IGN)
            continue;
        sigaddset(set, numbers[i]);
        count++;
    }
    return count;
}

void cli_catch_stop(const char *message)
{
    static sigset_t set;
    pthread_t thread;
    const char *line = isatty(STDERR_FILENO) ? "\n" : ""; /* after a bar and the echoed ^C */
    snprintf(stop_message, sizeof stop_message, "%sreverie: %s\n", line, message);
    if (!add_heeded(&set))
        return;
    /* Threads created later inherit the mask. */
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
        return;
    if (pthread_create(&thread, NULL, wait_for_stop, &set) != 0)
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    else
        pthread_detach(thread);
}

int cli_stop_requested(void *user)
{
    (void)user;
    return atomic_load(&stop_requested) != 0;
}
