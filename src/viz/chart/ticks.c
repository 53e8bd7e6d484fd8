/* Axes: the visible interval, and ticks at round values (multiples of 1, 2 or 5 times a power of
 * ten; the idea of Heckbert, "Nice numbers for graph labels", Graphics Gems 1990). */
#include "viz/chart/ticks.h"
#include "core/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Lengths below this fraction of the values' size, or below the second, cannot be distinguished. */
static const double least_relative_length = 1e-12, least_length = 1e-150, most_value = 1e150;

int rv_axis_shows(const rv_axis *axis, double value)
{
    return fabs(value) <= most_value && (!axis->logarithmic || value >= least_length);
}

static void fit_logarithmic(rv_axis *axis, double least, double most, double margin)
{
    double low = log10(least), high = log10(most);
    double room = high - low < 1e-9 ? 0.3 : (high - low) * margin;
    axis->low = pow(10, low - room);
    axis->high = pow(10, high + room);
}

void rv_axis_fit(rv_axis *axis, double least, double most, double margin)
{
    if (least > most) {
        axis->low = axis->logarithmic ? 0.1 : 0;
        axis->high = axis->logarithmic ? 10 : 1;
        return;
    }
    if (axis->logarithmic) {
        fit_logarithmic(axis, least, most, margin);
        return;
    }
    double size = fmax(fabs(least), fabs(most));
    double length = most - least, room = length * margin;
    if (length < least_length || length < size * least_relative_length)
        room = size < least_length ? 1 : axis->whole ? fmax(0.5, size * 1e-9) : size * 0.05;
    axis->low = least >= 0 && least < room ? 0 : least - room;
    axis->high = most <= 0 && most > -room ? 0 : most + room;
    if (axis->low >= axis->high) /* all values are zero */
        axis->high = axis->low + 1;
}

double rv_axis_position(const rv_axis *axis, double value)
{
    if (axis->logarithmic)
        return log10(value / axis->low) / log10(axis->high / axis->low);
    return (value - axis->low) / (axis->high - axis->low);
}

/* mantissa * 10^power, with one rounding while the power of ten is exact. */
static double scaled(double mantissa, int power)
{
    return power < 0 ? mantissa / pow(10, -power) : mantissa * pow(10, power);
}

/* "-1.50" with a typographic minus. */
static void write_number(char *label, double value, int decimals)
{
    char digits[RV_TICK_LABEL_SIZE - 4];
    rv_text_format(digits, sizeof digits, "%.*f", decimals, fabs(value));
    int zero = strspn(digits, "0.") == strlen(digits);
    snprintf(label, RV_TICK_LABEL_SIZE, "%s%s", value < 0 && !zero ? "\xe2\x88\x92" : "", digits);
}

static void linear_ticks(const rv_axis *axis, int most, rv_ticks *ticks)
{
    static const int mantissas[] = {1, 2, 5};
    double slack = (axis->high - axis->low) * 1e-9;
    int power = (int)floor(log10((axis->high - axis->low) / most)) - 1, mantissa = 0;
    if (axis->whole && power < 0)
        power = 0;
    double first = 0, last = 0;
    for (int candidate = 0;; candidate++) {
        mantissa = mantissas[candidate % 3];
        power += candidate > 0 && candidate % 3 == 0;
        double step = scaled(mantissa, power);
        first = ceil((axis->low - slack) / step);
        last = floor((axis->high + slack) / step);
        if (last - first + 1 <= most)
            break;
    }
    double size = fmax(fabs(axis->low), fabs(axis->high));
    int large = (int)floor(log10(size) + 1e-9);
    ticks->exponent = large >= 6 || large <= -4 ? large : 0;
    int decimals = ticks->exponent - power;
    decimals = decimals < 0 ? 0 : decimals > 15 ? 15 : decimals;
    for (double i = first; i <= last; i++) {
        ticks->at[ticks->count] = scaled(i * mantissa, power);
        write_number(ticks->label[ticks->count++], scaled(i * mantissa, power - ticks->exponent),
                     decimals);
    }
}

/* "0.01", "100", or "2×10⁻⁶" if plain digits would be long. */
static void write_power(char *label, int mantissa, int power, int plain)
{
    static const char *const raised[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    if (plain) {
        rv_text_format(label, RV_TICK_LABEL_SIZE, "%.*f", power < 0 ? -power : 0,
                       scaled(mantissa, power));
        return;
    }
    int size = power < 0 ? -power : power;
    int used = mantissa == 1 ? snprintf(label, RV_TICK_LABEL_SIZE, "10")
                             : snprintf(label, RV_TICK_LABEL_SIZE, "%d×10", mantissa);
    snprintf(label + used, RV_TICK_LABEL_SIZE - (size_t)used, "%s%s%s%s", power < 0 ? "⁻" : "",
             size >= 100 ? raised[size / 100 % 10] : "", size >= 10 ? raised[size / 10 % 10] : "",
             raised[size % 10]);
}

/* Ticks at the given multiples of 10^(k*stride).  Makes none if there would be more than `most`. */
static void power_ticks(const rv_axis *axis, int most, const char *multiples, int stride,
                        rv_ticks *ticks)
{
    int first = (int)floor(log10(axis->low)), last = (int)ceil(log10(axis->high));
    int plain = first >= -4 && last <= 5;
    ticks->count = 0;
    for (int power = first; power <= last; power++) {
        for (const char *digit = multiples; power % stride == 0 && *digit; digit++) {
            double value = scaled(*digit - '0', power), position = rv_axis_position(axis, value);
            if (position < -1e-9 || position > 1 + 1e-9)
                continue;
            if (ticks->count == most) {
                ticks->count = 0;
                return;
            }
            ticks->at[ticks->count] = value;
            write_power(ticks->label[ticks->count++], *digit - '0', power, plain);
        }
    }
}

static void minor_ticks(const rv_axis *axis, rv_ticks *ticks)
{
    int first = (int)floor(log10(axis->low)), last = (int)ceil(log10(axis->high));
    if ((last - first) * 8 > RV_MINOR_TICKS_MOST)
        return;
    for (int power = first; power < last; power++) {
        for (int digit = 2; digit <= 9; digit++) {
            double value = scaled(digit, power), position = rv_axis_position(axis, value);
            if (position >= 0 && position <= 1)
                ticks->minor[ticks->minor_count++] = value;
        }
    }
}

static void logarithmic_ticks(const rv_axis *axis, int most, rv_ticks *ticks)
{
    static const int strides[] = {1, 2, 3, 5, 10, 20, 50, 100, 200};
    int decades = (int)(log10(axis->high / axis->low)) + 1, next = 0, stride;
    do {
        stride = strides[next++];
        power_ticks(axis, most, "1", stride, ticks);
    } while (!ticks->count && next < 9 && strides[next] <= decades);
    if (stride == 1 && ticks->count < 3) { /* fewer than three powers: tries 1, 2 and 5 of each */
        rv_ticks finer = *ticks;
        power_ticks(axis, most, "125", 1, &finer);
        if (finer.count > ticks->count)
            *ticks = finer;
    }
    if (ticks->count < 2) {
        *ticks = (rv_ticks){0};
        linear_ticks(axis, most, ticks);
        return;
    }
    if (stride == 1)
        minor_ticks(axis, ticks);
}

void rv_axis_ticks(const rv_axis *axis, int most, rv_ticks *ticks)
{
    *ticks = (rv_ticks){0};
    most = most < 2 ? 2 : most > RV_TICKS_MOST ? RV_TICKS_MOST : most;
    if (axis->logarithmic)
        logarithmic_ticks(axis, most, ticks);
    else
        linear_ticks(axis, most, ticks);
}
