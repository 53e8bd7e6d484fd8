/* Progress of a training or an estimate: a bar on a terminal, elsewhere a plain line every few
 * seconds.
 *
 *     cli_watch watch = {.call = call, .progress = cli_progress_begin(call)};
 *     rv_listener listener = cli_listener(&watch);
 *     ... around any other message, and at the end:
 *     cli_progress_hide(&watch.progress);
 *
 * Everything goes to stderr; --quiet shows nothing. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include "verb.h"

#include "reverie/inference.h"
#include "reverie/train.h"

typedef struct cli_progress {
    int quiet, is_terminal, color;
    int shown;   /* a bar is on the current line */
    double next; /* seconds: the time of the next one */
    double at;   /* seconds, and steps, when the rate was last measured; at < 0: never */
    int64_t at_step;
    double rate; /* steps a second, smoothed over a few seconds; 0: unknown */
} cli_progress;

cli_progress cli_progress_begin(const cli_call *call);
/* Whether it is time for the next line: ten times a second on a terminal, else every five
 * seconds. */
int cli_progress_is_due(const cli_progress *progress);
void cli_progress_show(cli_progress *progress, const rv_progress *now);
/* The same for other work than training: "importance weights, 1200/10000 images [#.........]  12%
 * 0:25 left". */
void cli_progress_show_work(cli_progress *progress, const rv_inference_progress *work);
/* Removes the bar, so that something else can be printed. */
void cli_progress_hide(cli_progress *progress);

/* The state of a verb's listener; a verb with more functions may embed it, as its first member. */
typedef struct cli_watch {
    const cli_call *call;
    cli_progress progress;
    rv_progress last; /* of the last step; zeroed: none yet */
} cli_watch;
/* Shows the progress, reports alarms, and stops if cli_stop_requested. */
rv_listener cli_listener(cli_watch *watch);

/* One line of at most `width` columns (0: no limit, and no bar), written to `line` [bytes]: "epoch
 * 3/10 [####......]  45%  26.4k images/s  0:16 left  loss 103.2  kl 20.1".  If the values do not
 * fit, it omits values from the right. */
void cli_progress_text(const rv_progress *now, double rate, int width, char *line, size_t bytes);
/* "0:16", "12:05", "1:02:33"; "-" if unknown (negative or not finite). */
void cli_duration_text(double seconds, char *text, size_t bytes);

#endif
