/* What every verb uses: messages, JSON, and the wish to stop. */
#include "verb.h"

#include "core/memory.h"

#include <signal.h>
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

rv_status cli_print_json(cli_call *call, json_t *value)
{
    char *text = value ? json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(value);
    if (!text)
        return rv_fail_memory(call->context);
    puts(text);
    rv_free(text); /* main gave jansson rv_malloc and rv_free */
    return RV_OK;
}

/* ---- SIGINT and SIGTERM ---- */

static volatile sig_atomic_t stop_requested;
static char stop_message[160]; /* ready to be written: a handler may not format */

static void on_stop(int signal_number)
{
    (void)signal_number;
    stop_requested = 1;
    signal(SIGINT, SIG_DFL); /* the second one ends the program */
    signal(SIGTERM, SIG_DFL);
    (void)!write(STDERR_FILENO, stop_message, strlen(stop_message));
}

void cli_catch_stop(const char *message)
{
    struct sigaction action = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
    const char *line = isatty(STDERR_FILENO) ? "\n" : ""; /* after a bar and the echoed ^C */
    sigemptyset(&action.sa_mask);
    snprintf(stop_message, sizeof stop_message, "%sreverie: %s\n", line, message);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int cli_stop_requested(void)
{
    return stop_requested != 0;
}
