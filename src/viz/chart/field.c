/* The field of a chart: a value for each cell of a square, from white to dark blue. */
#include "viz/chart/chart.h"

#include <math.h>
#include <stdint.h>

/* Colours at equal steps from 0 to 1; lightness falls evenly. */
static const double stop[][3] = {
    {255, 255, 255}, {205, 226, 246}, {63, 144, 218}, {28, 82, 151}, {9, 29, 68}};
enum { STEPS = sizeof stop / sizeof *stop - 1 };

static uint32_t color_of(double value)
{
    double place = value > 0 ? fmin(value, 1) * STEPS : 0; /* NaN: 0 */
    int step = place < STEPS ? (int)place : STEPS - 1;
    uint32_t color = 0;
    for (int i = 0; i < 3; i++) {
        double level = stop[step][i] + (place - step) * (stop[step + 1][i] - stop[step][i]);
        color = color << 8 | (uint32_t)lround(level);
    }
    return color;
}

rv_status rv_field_draw(const rv_chart *chart, const rv_chart_layout *layout, cairo_t *cairo,
                        const rv_series *series)
{
    int side = (int)series->across;
    cairo_surface_t *cells = cairo_image_surface_create(CAIRO_FORMAT_RGB24, side, side);
    rv_status status = rv_cairo_status(chart->context, cairo_surface_status(cells));
    unsigned char *data = status == RV_OK ? cairo_image_surface_get_data(cells) : NULL;
    size_t stride = (size_t)cairo_image_surface_get_stride(cells);
    for (int64_t i = 0; data && i < series->count; i++) {
        unsigned char *row = data + (size_t)(i / side) * stride;
        ((uint32_t *)(void *)row)[i % side] = color_of(series->y[i]);
    }
    if (data) {
        cairo_surface_mark_dirty(cells);
        cairo_save(cairo);
        cairo_translate(cairo, layout->plot.left, layout->plot.top);
        cairo_scale(cairo, layout->plot.width / side, layout->plot.height / side);
        cairo_set_source_surface(cairo, cells, 0, 0);
        cairo_pattern_set_extend(cairo_get_source(cairo), CAIRO_EXTEND_PAD);
        cairo_paint(cairo);
        cairo_restore(cairo);
    }
    cairo_surface_destroy(cells);
    return status;
}
