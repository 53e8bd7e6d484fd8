/* The ticks of an axis, and their labels. */
#ifndef CHART_TICKS_H
#define CHART_TICKS_H

enum { RV_TICKS_MOST = 16, RV_MINOR_TICKS_MOST = 128, RV_TICK_LABEL_SIZE = 40 };

typedef struct rv_ticks {
    int count;
    double at[RV_TICKS_MOST]; /* increasing */
    char label[RV_TICKS_MOST][RV_TICK_LABEL_SIZE];
    int exponent; /* labels are multiples of 10^exponent, which the axis label names; usually 0 */
    int minor_count;
    double minor[RV_MINOR_TICKS_MOST]; /* unlabelled ticks of a logarithmic axis */
} rv_ticks;

/* An axis: its visible interval. */
typedef struct rv_axis {
    double low, high; /* low < high; both > 0 when logarithmic */
    int logarithmic;
    int whole; /* all values are whole numbers: no ticks between them */
} rv_axis;

/* Whether an axis can show the value: finite, of a magnitude that arithmetic can represent, and
 * positive if the axis is logarithmic. */
int rv_axis_shows(const rv_axis *axis, double value);
/* Sets low and high from the least and greatest visible value (least > most: none), with a free
 * `margin` (fraction of the length) on both sides.  A single value gets an interval around it; a
 * margin does not cross zero. */
void rv_axis_fit(rv_axis *axis, double least, double most, double margin);
/* 0 at low, 1 at high. */
double rv_axis_position(const rv_axis *axis, double value);
/* At most `most` (2..RV_TICKS_MOST) ticks at round values: multiples of 1, 2 or 5 times a power of
 * ten, with as few digits as distinguish them; on a logarithmic axis powers of ten, if two or more
 * fit. */
void rv_axis_ticks(const rv_axis *axis, int most, rv_ticks *ticks);

#endif
