/* Elapsed time. */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

/* Seconds of a monotonic clock, from an arbitrary start. */
double rv_seconds(void);

#endif
