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
    int shown;   /* a bar stands on the current line */
    double next; /* seconds: when the next one is due */
    double at;   /* seconds, and steps, when the rate was last measured; at < 0: never */
    int64_t at_step;
    double rate; /* steps a second, smoothed over a few seconds; 0: not known yet */
} cli_progress;

cli_progress cli_progress_begin(const cli_call *call);
/* Whether it is time to show again: ten times a second on a terminal, else every five seconds. */
int cli_progress_is_due(const cli_progress *progress);
void cli_progress_show(cli_progress *progress, const rv_progress *now);
/* The same for other work than training: "importance weights, 1200/10000 images [#.........]  12%
 * 0:25 left". */
void cli_progress_show_work(cli_progress *progress, const rv_inference_progress *work);
/* Takes the bar away, so that something else can be printed. */
void cli_progress_hide(cli_progress *progress);

/* What the listener of a verb holds; a verb that adds functions of its own may add to it, first. */
typedef struct cli_watch {
    const cli_call *call;
    cli_progress progress;
    rv_progress last; /* of the last step; zeroed: none was taken */
} cli_watch;
/* Shows the progress, says the alarms, and stops where cli_stop_requested. */
rv_listener cli_listener(cli_watch *watch);

/* One line of at most `width` columns (0: no limit, and no bar), written to `line` [bytes]:
 * "epoch 3/10 [####......]  45%  26.4k images/s  0:16 left  loss 103.2  kl 20.1".  What does not
 * fit is left out from the right, a value at a time. */
void cli_progress_text(const rv_progress *now, double rate, int width, char *line, size_t bytes);
/* "0:16", "12:05", "1:02:33"; "-" when not known (negative or not finite). */
void cli_duration_text(double seconds, char *text, size_t bytes);

#endif
