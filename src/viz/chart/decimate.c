/* M4: four of the points in a pixel column are enough to draw the line exactly. */
#include "viz/chart/decimate.h"

/* Appends `index` unless it is the last one in the list. */
static int64_t keep(int64_t *kept, int64_t used, int64_t first_of_column, int64_t index)
{
    if (used > first_of_column && kept[used - 1] == index)
        return used;
    kept[used] = index;
    return used + 1;
}

int64_t rv_decimate_line(const int32_t *column, const double *y, int64_t count, int64_t *kept)
{
    int64_t used = 0;
    for (int64_t first = 0, next; first < count; first = next) {
        int64_t lowest = first, highest = first, start = used;
        for (next = first; next < count && column[next] == column[first]; next++) {
            lowest = y[next] < y[lowest] ? next : lowest;
            highest = y[next] > y[highest] ? next : highest;
        }
        used = keep(kept, used, start, first);
        used = keep(kept, used, start, lowest < highest ? lowest : highest);
        used = keep(kept, used, start, lowest < highest ? highest : lowest);
        used = keep(kept, used, start, next - 1);
    }
    return used;
}
