/* The listener of every verb that trains or estimates. */
#include "terminal.h"

static void on_step(void *user, const rv_progress *now)
{
    cli_watch *watch = user;
    watch->last = *now;
    if (cli_progress_is_due(&watch->progress))
        cli_progress_show(&watch->progress, now);
}

static void on_alarm(void *user, const rv_event *event, const rv_alarm *alarm)
{
    cli_watch *watch = user;
    cli_progress_hide(&watch->progress);
    cli_say(watch->call, "epoch %lld: %s: %s", (long long)event->epoch, alarm->name, alarm->cause);
}

static void on_progress(void *user, const rv_inference_progress *now)
{
    cli_watch *watch = user;
    if (cli_progress_is_due(&watch->progress))
        cli_progress_show_work(&watch->progress, now);
}

rv_listener cli_listener(cli_watch *watch)
{
    return (rv_listener){.user = watch,
                         .step = on_step,
                         .alarm = on_alarm,
                         .progress = on_progress,
                         .stop = cli_stop_requested};
}
