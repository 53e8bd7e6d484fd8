/* reverie: finds the verb, makes its call, runs it, and converts the status to the exit code. */
#include "call.h"
#include "environment.h"
#include "experiment.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A descriptor that the caller closed must not become one of our files: /dev/null holds 0 to 2,
 * opened in the direction that makes every use fail. */
static void hold_standard_descriptors(void)
{
    for (int descriptor = 0; descriptor <= 2; descriptor++)
        if (fcntl(descriptor, F_GETFD) == -1 && errno == EBADF)
            (void)!open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY);
}

/* Checks that the output has reached its file, or reports that it has not. */
static rv_status finish_output(void)
{
    errno = 0;
    int failed = ferror(stdout);
    if (fflush(stdout) != 0)
        failed = 1;
    if (!failed)
        return RV_OK;
    struct pollfd reader = {STDOUT_FILENO, POLLOUT, 0};
    if (errno == EPIPE || (poll(&reader, 1, 0) == 1 && (reader.revents & POLLERR)))
        return RV_IO_ERROR; /* it has closed the pipe */
    fprintf(stderr, "reverie: error: the results cannot be written: %s\n",
            errno ? strerror(errno) : "output error");
    return RV_IO_ERROR;
}

static void print_log(void *user, rv_log_level level, const char *message)
{
    const cli_call *call = user;
    if (!call->quiet || level == RV_LOG_WARNING)
        cli_print_message(call, level == RV_LOG_WARNING ? "warning: " : "", message);
}

/* Runs one call; makes and frees its context. */
static rv_status run_verb(cli_call *call, int count, char **words)
{
    call->verb = cli_verb_find(words[0]);
    if (!call->verb)
        return cli_fail_verb(call->context, words[0]);
    rv_status status = cli_call_read(call, count, words);
    if (status == RV_OK && call->wants_version)
        printf("reverie %s\n", rv_version());
    else if (status == RV_OK && call->wants_help)
        status = cli_help_verb(call, call->verb);
    else if (status == RV_OK) {
        const cli_verb *verb = call->verb;
        status = verb->run ? verb->run(call)
                           : cli_with_run(call, verb->endings, verb->of_split, verb->act);
        cli_tuning_cache_save(call);
    }
    return status == RV_OK ? rv_error_status(call->context) : status;
}

static rv_status run(int count, char **words)
{
    if (count < 2) {
        cli_help_all(stderr);
        return RV_BAD_USAGE;
    }
    if (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0) {
        cli_help_all(stdout);
        return RV_OK;
    }
    if (strcmp(words[1], "--version") == 0) {
        printf("reverie %s\n", rv_version());
        return RV_OK;
    }
    cli_call call = {.context = rv_context_new()};
    if (!call.context) {
        fprintf(stderr, "reverie: error: out of memory\n");
        return RV_NO_MEMORY;
    }
    rv_context_set_log(call.context, print_log, &call);
    rv_status status = run_verb(&call, count - 1, words + 1);
    if (status != RV_OK && rv_error_message(call.context)[0])
        cli_print_message(
            &call, status == RV_INTERRUPTED ? "" : "error: ", rv_error_message(call.context));
    cli_call_free(&call);
    rv_context_free(call.context);
    return status;
}

int main(int count, char **words)
{
    hold_standard_descriptors();
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a failed write, not a signal */
    signal(SIGXFSZ, SIG_IGN); /* and so is a file over the size limit */
    rv_status status = run(count, words);
    rv_status output = finish_output();
    return status != RV_OK ? (int)status : (int)output;
}
