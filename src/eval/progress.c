/* Word of how long drawing takes, where that is long, and then of how far it is. */
#include "eval/progress.h"

#include "core/clock.h"
#include "core/text.h"

#include <stdarg.h>

/* Seconds: LONG that are announced, OFTEN between two notes, SURE until the speed is known. */
enum { LONG = 5, OFTEN = 10, SURE = 1 };

void progress_begin(progress *p, rv_context *context, int64_t all, const char *what, ...)
{
    va_list list;
    *p = (progress){.context = context, .all = all, .start = rv_seconds()};
    va_start(list, what);
    rv_text_format_list(p->what, sizeof p->what, what, list);
    va_end(list);
}

void progress_step(progress *p)
{
    p->done++;
    double now = rv_seconds(), since = now - p->start;
    double left = since / (double)p->done * (double)(p->all - p->done);
    if (!p->is_long && since > SURE && left > LONG)
        rv_notify(p->context, RV_LOG_INFO, "%s takes about %.0f s", p->what, since + left);
    else if (p->is_long && now - p->told > OFTEN)
        rv_notify(p->context, RV_LOG_INFO, "%.0f%% is drawn; about %.0f s are left",
                  100 * (double)p->done / (double)p->all, left);
    else
        return;
    p->is_long = 1;
    p->told = now;
}
