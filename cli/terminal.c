/* Draws the progress of a training or an estimate on a terminal, or prints it line by line. */
#include "terminal.h"

#include "environment.h"

#include "core/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR_LEAST = 10, BAR_MOST = 30, LINE_BYTES = 512 };

static const double terminal_interval = 0.1, plain_interval = 5, smoothing = 3; /* seconds */

/* ---- text ---- */

void cli_duration_text(double seconds, char *text, size_t bytes)
{
    if (!(seconds >= 0) || seconds > 1e9) {
        snprintf(text, bytes, "-");
        return;
    }
    long whole = lround(seconds);
    if (whole < 3600)
        snprintf(text, bytes, "%ld:%02ld", whole / 60, whole % 60);
    else
        snprintf(text, bytes, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
}

/* 950 -> "950", 26412 -> "26.4k" */
static void rate_text(double rate, char *text, size_t bytes)
{
    if (rate >= 1e6)
        snprintf(text, bytes, "%.1fM", rate / 1e6);
    else if (rate >= 1e4)
        snprintf(text, bytes, "%.1fk", rate / 1e3);
    else
        snprintf(text, bytes, "%.*f", rate < 10 ? 1 : 0, rate);
}

/* Adds a part if the line stays within `width` (0: any); 0 when it does not. */
RV_PRINTF(4, 5)
static int add_part(char *line, size_t bytes, int width, const char *format, ...)
{
    char part[96];
    va_list list;
    size_t length = strlen(line),
           most = width > 0 && (size_t)width < bytes ? (size_t)width + 1 : bytes;
    va_start(list, format);
    vsnprintf(part, sizeof part, format, list);
    va_end(list);
    if (length + strlen(part) + 1 > most)
        return 0;
    strcpy(line + length, part);
    return 1;
}

/* The values, as many as fit. */
static void add_values(const rv_progress *now, int width, char *line, size_t bytes)
{
    for (int i = 0; i < now->count; i++)
        if (!add_part(line, bytes, width, "  %s %.5g", now->name[i], now->value[i]))
            return;
}

static void add_bar(double share, int width, char *line, size_t bytes)
{
    char part[BAR_MOST + 8] = " [";
    for (int i = 0; i < width; i++)
        part[2 + i] = i < (int)(share * width + 1e-9) ? '#' : '.';
    strcpy(part + 2 + width, "]");
    add_part(line, bytes, 0, "%s", part);
}

void cli_progress_text(const rv_progress *now, double rate, int width, char *line, size_t bytes)
{
    char number[32];
    double share = now->steps > 0 ? fmin(1, (double)now->step / (double)now->steps) : 0;
    int64_t epoch = now->epoch < now->epochs ? now->epoch + 1 : now->epochs;
    line[0] = '\0';
    add_part(line, bytes, width, "epoch %lld/%lld", (long long)epoch, (long long)now->epochs);
    if (width > 0) {
        int room = (width - 60) / 2; /* room for the values on a wide terminal */
        room = room < BAR_LEAST ? BAR_LEAST : room > BAR_MOST ? BAR_MOST : room;
        if (width >= 50)
            add_bar(share, room, line, bytes);
    } else {
        add_part(line, bytes, width, ", step %lld/%lld,", (long long)now->step,
                 (long long)now->steps);
    }
    add_part(line, bytes, width, " %3.0f%%", floor(100 * share));
    if (rate > 0) {
        rate_text(rate * (double)now->batch_size, number, sizeof number);
        add_part(line, bytes, width, "  %s %s/s", number, now->are_points ? "points" : "images");
        cli_duration_text((double)(now->steps - now->step) / rate, number, sizeof number);
        add_part(line, bytes, width, "  %s left", number);
    }
    add_values(now, width, line, bytes);
}

/* ---- showing ---- */

cli_progress cli_progress_begin(const cli_call *call)
{
    cli_progress progress = {.quiet = call->quiet, .at = -1};
    progress.is_terminal = cli_is_terminal(STDERR_FILENO);
    progress.color = cli_wants_color(STDERR_FILENO);
    progress.next = rv_seconds() + (progress.is_terminal ? terminal_interval : plain_interval);
    return progress;
}

int cli_progress_is_due(const cli_progress *progress)
{
    return !progress->quiet && rv_seconds() >= progress->next;
}

/* The mean of the rates so far, with most weight on the last seconds. */
static void measure(cli_progress *progress, const rv_progress *now, double time)
{
    if (progress->at >= 0 && time > progress->at) {
        double passed = time - progress->at;
        double recent = (double)(now->step - progress->at_step) / passed;
        double weight = progress->rate > 0 ? 1 - exp(-passed / smoothing) : 1;
        progress->rate += weight * (recent - progress->rate);
    }
    progress->at = time;
    progress->at_step = now->step;
}

/* Highlights the finished part of the bar. */
static void print_colored(const char *line)
{
    const char *open = strchr(line, '['), *close = open ? strchr(open, ']') : NULL;
    if (!close) {
        fputs(line, stderr);
        return;
    }
    int done = (int)strspn(open + 1, "#");
    fprintf(stderr, "%.*s\033[36m%.*s\033[2m%.*s\033[0m%s", (int)(open + 1 - line), line, done,
            open + 1, (int)(close - open - 1 - done), open + 1 + done, close);
}

/* Overwrites the last line; without a terminal, adds a line. */
static void print_line(cli_progress *progress, const char *line)
{
    if (!progress->is_terminal) {
        fprintf(stderr, "reverie: %s\n", line);
        return;
    }
    fputc('\r', stderr);
    if (progress->color)
        print_colored(line);
    else
        fputs(line, stderr);
    fputs("\033[K", stderr); /* clears the rest of an earlier, longer line */
    fflush(stderr);
    progress->shown = 1;
}

/* 0 if nothing is due, else the width of the line: -1 for any, without a bar. */
static int begin_line(cli_progress *progress, const rv_progress *now)
{
    double time = rv_seconds();
    if (progress->quiet)
        return 0;
    measure(progress, now, time);
    progress->next = time + (progress->is_terminal ? terminal_interval : plain_interval);
    /* The last column stays free: a full line would wrap on some terminals. */
    return progress->is_terminal ? cli_terminal_width(STDERR_FILENO) - 1 : -1;
}

void cli_progress_show(cli_progress *progress, const rv_progress *now)
{
    char line[LINE_BYTES];
    int width = begin_line(progress, now);
    if (width == 0)
        return;
    cli_progress_text(now, progress->rate, width > 0 ? width : 0, line, sizeof line);
    print_line(progress, line);
}

void cli_progress_show_work(cli_progress *progress, const rv_inference_progress *work)
{
    enum { STEPS = 1000000 };
    char line[LINE_BYTES] = "", number[32];
    rv_progress now = {.step = (int64_t)(work->share * STEPS), .steps = STEPS};
    int width = begin_line(progress, &now), room = width > 0 ? width : 0;
    if (width == 0)
        return;
    add_part(line, sizeof line, room, "%s, %lld/%lld images", work->stage, (long long)work->done,
             (long long)work->images);
    if (width >= 70)
        add_bar(work->share, BAR_LEAST, line, sizeof line);
    add_part(line, sizeof line, room, "  %.0f%%", floor(100 * work->share));
    if (progress->rate > 0) {
        cli_duration_text((STEPS - (double)now.step) / progress->rate, number, sizeof number);
        add_part(line, sizeof line, room, "  %s left", number);
    }
    print_line(progress, line);
}

void cli_progress_hide(cli_progress *progress)
{
    if (!progress->shown)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->shown = 0;
}
