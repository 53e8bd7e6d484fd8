/* Fewer points for the same picture of a long line. */
#ifndef CHART_DECIMATE_H
#define CHART_DECIMATE_H

#include <stdint.h>

/* Keeps the points of an uninterrupted stretch of a line that its picture needs: in each column (of
 * `across` equal columns over the whole axis) the first, the lowest, the highest and the last, in
 * their order (the M4 aggregation of Jugel et al. 2014, VLDB 7(10)).  The lines between them cover
 * the same pixels as the whole line, within a column's width.  column[i] is the column of point i
 * and must not decrease.  Writes the indices to `kept` [count]; returns their number. */
int64_t rv_decimate_line(const int32_t *column, const double *y, int64_t count, int64_t *kept);

#endif
