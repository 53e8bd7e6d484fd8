/* Progress of a training: a bar on a terminal, a plain line every few seconds elsewhere.
 *
 *     cli_progress progress = cli_progress_begin(call);
 *     ... in the observer's `step`:
 *     if (cli_progress_is_due(&progress)) {
 *         rv_progress now = rv_trainer_progress(trainer);
 *         cli_progress_show(&progress, &now);
 *     }
 *     ... around any other message:
 *     cli_progress_hide(&progress);
 *     ... at the end:
 *     cli_progress_hide(&progress);
 *
 * Everything goes to stderr; --quiet shows nothing. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include "verb.h"

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
typedef struct cli_work {
    const char *what;
    int64_t done, images;
    double share; /* of the work, 0 to 1 */
} cli_work;
void cli_progress_show_work(cli_progress *progress, const cli_work *work);
/* Takes the bar away, so that something else can be printed. */
void cli_progress_hide(cli_progress *progress);

/* One line of at most `width` columns (0: no limit, and no bar), written to `line` [bytes]:
 * "epoch 3/10 [####......]  45%  26.4k images/s  0:16 left  loss 103.2  kl 20.1".  What does not
 * fit is left out from the right, a value at a time. */
void cli_progress_text(const rv_progress *now, double rate, int width, char *line, size_t bytes);
/* "0:16", "12:05", "1:02:33"; "-" when not known (negative or not finite). */
void cli_duration_text(double seconds, char *text, size_t bytes);

#endif
