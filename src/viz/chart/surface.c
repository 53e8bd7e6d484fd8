/* Charts on cairo surfaces: as an image, as SVG text, as a file. */
#include "core/memory.h"
#include "reverie/io.h"
#include "viz/chart/chart.h"

#include <cairo-svg.h>
#include <math.h>
#include <string.h>

rv_status rv_cairo_status(rv_context *context, cairo_status_t status)
{
    if (status == CAIRO_STATUS_SUCCESS)
        return RV_OK;
    if (status == CAIRO_STATUS_NO_MEMORY || status == CAIRO_STATUS_WRITE_ERROR)
        return rv_fail_memory(context); /* the only write here is to memory */
    return rv_fail(context, RV_IO_ERROR, "the chart could not be drawn: %s",
                   cairo_status_to_string(status));
}

typedef rv_status (*painter)(const void *what, cairo_t *cairo);

static rv_status paint_chart(const void *chart, cairo_t *cairo)
{
    return rv_chart_draw(chart, cairo);
}

static rv_status paint_sheet(const void *sheet, cairo_t *cairo)
{
    return rv_chart_sheet_draw(sheet, cairo);
}

/* The same glyphs at each scale, on white. */
static void begin(cairo_t *cairo)
{
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_set_font_options(cairo, options);
    cairo_font_options_destroy(options);
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
}

/* Draws and finishes; the caller keeps the surface. */
static rv_status draw_on(rv_context *context, cairo_surface_t *surface, double scale, painter paint,
                         const void *what)
{
    rv_status status = rv_fonts_load(context);
    if (status != RV_OK)
        return status;
    cairo_t *cairo = cairo_create(surface);
    cairo_scale(cairo, scale, scale);
    begin(cairo);
    status = paint(what, cairo);
    if (status == RV_OK)
        status = rv_cairo_status(context, cairo_status(cairo));
    cairo_destroy(cairo);
    cairo_surface_flush(surface);
    return status;
}

static void copy_pixels(cairo_surface_t *surface, rv_image *image)
{
    const unsigned char *data = cairo_image_surface_get_data(surface);
    size_t stride = (size_t)cairo_image_surface_get_stride(surface);
    unsigned char *to = image->pixels;
    for (int y = 0; y < image->height; y++) {
        const uint32_t *from = (const uint32_t *)(const void *)(data + (size_t)y * stride);
        for (int x = 0; x < image->width; x++, to += 3) {
            to[0] = (unsigned char)(from[x] >> 16);
            to[1] = (unsigned char)(from[x] >> 8);
            to[2] = (unsigned char)from[x];
        }
    }
}

/* width x height units. */
static rv_image *image_of(rv_context *context, const double size[2], double scale, painter paint,
                          const void *what)
{
    int width = (int)lround(size[0] * scale), height = (int)lround(size[1] * scale);
    rv_image *image = rv_image_new(context, height, width, 3);
    if (!image)
        return NULL;
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    rv_status status = rv_cairo_status(context, cairo_surface_status(surface));
    if (status == RV_OK)
        status = draw_on(context, surface, scale, paint, what);
    if (status == RV_OK)
        copy_pixels(surface, image);
    cairo_surface_destroy(surface);
    if (status == RV_OK)
        return image;
    rv_image_free(image);
    return NULL;
}

rv_image *rv_chart_image(rv_chart *chart)
{
    if (!chart)
        return NULL;
    const double size[2] = {chart->config.width, chart->config.height};
    return image_of(chart->context, size, chart->config.scale, paint_chart, chart);
}

rv_image *rv_charts_image(rv_context *context, const char *title, rv_chart *const *charts,
                          int count, int columns)
{
    if (rv_viz_bad_number(context, "the number of charts", count, 1, 1000) ||
        rv_viz_bad_number(context, "the number of columns", columns, 1, 1000))
        return NULL;
    for (int i = 0; i < count; i++)
        if (!charts[i])
            return NULL;
    const rv_chart_config *first = &charts[0]->config;
    for (int i = 1; i < count; i++)
        if (charts[i]->config.width != first->width || charts[i]->config.height != first->height) {
            rv_fail(context, RV_BAD_USAGE, "chart %d of a sheet is not as large as the first", i);
            return NULL;
        }
    rv_chart_sheet sheet = {title, charts, count, columns < count ? columns : count, 0};
    sheet.top = rv_chart_sheet_top(title);
    int rows = (count + sheet.columns - 1) / sheet.columns;
    const double size[2] = {sheet.columns * (double)first->width,
                            sheet.top + rows * (double)first->height};
    return image_of(context, size, first->scale, paint_sheet, &sheet);
}

static cairo_status_t add_to_text(void *text, const unsigned char *data, unsigned length)
{
    rv_text_add_bytes(text, (const char *)data, length);
    return ((rv_text *)text)->failed ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

char *rv_chart_svg(rv_chart *chart)
{
    if (!chart)
        return NULL;
    rv_text raw = {0}, tidy = {0};
    cairo_surface_t *surface = cairo_svg_surface_create_for_stream(
        add_to_text, &raw, chart->config.width, chart->config.height);
    cairo_svg_surface_set_document_unit(surface, CAIRO_SVG_UNIT_PX);
    rv_status status = draw_on(chart->context, surface, 1, paint_chart, chart);
    cairo_surface_finish(surface); /* writes the document */
    if (status == RV_OK)
        status = rv_cairo_status(chart->context, cairo_surface_status(surface));
    cairo_surface_destroy(surface);
    if (status == RV_OK && raw.failed)
        status = rv_fail_memory(chart->context);
    if (status == RV_OK)
        status =
            rv_svg_rename_ids(chart->context, &tidy, raw.characters ? raw.characters : "", "a");
    rv_text_free(&raw);
    if (status != RV_OK) {
        rv_text_free(&tidy);
        return NULL;
    }
    return rv_text_finish(&tidy, chart->context);
}

static rv_status save_svg(rv_chart *chart, const char *path)
{
    char *svg = rv_chart_svg(chart);
    if (!svg)
        return rv_error_status(chart->context);
    rv_status status = rv_file_write(chart->context, path, svg, strlen(svg));
    rv_free(svg);
    return status;
}

rv_status rv_chart_save(rv_chart *chart, const char *path)
{
    if (!chart)
        return RV_BAD_USAGE;
    if (rv_viz_has_extension(path, ".svg"))
        return save_svg(chart, path);
    if (!rv_viz_has_extension(path, ".png"))
        return rv_fail(chart->context, RV_BAD_USAGE,
                       "%s: charts are saved as PNG or SVG; end the name in .png or .svg", path);
    rv_image *image = rv_chart_image(chart);
    if (!image)
        return rv_error_status(chart->context);
    rv_status status = rv_image_save(chart->context, image, path);
    rv_image_free(image);
    return status;
}
