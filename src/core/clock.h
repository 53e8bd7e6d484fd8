/* Elapsed time. */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

/* Seconds of a clock that nobody sets, since some moment of the past. */
double rv_seconds(void);

#endif
