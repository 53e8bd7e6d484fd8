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

/* Draws and finishes; the caller keeps the surface. */
static rv_status draw_on(rv_chart *chart, cairo_surface_t *surface, double scale)
{
    rv_status status = rv_fonts_load(chart->context);
    if (status != RV_OK)
        return status;
    cairo_t *cairo = cairo_create(surface);
    cairo_scale(cairo, scale, scale);
    status = rv_chart_draw(chart, cairo);
    if (status == RV_OK)
        status = rv_cairo_status(chart->context, cairo_status(cairo));
    cairo_destroy(cairo);
    cairo_surface_flush(surface);
    return status;
}

rv_image *rv_chart_image(rv_chart *chart)
{
    if (!chart)
        return NULL;
    int width = (int)lround(chart->config.width * chart->config.scale);
    int height = (int)lround(chart->config.height * chart->config.scale);
    rv_image *image = rv_image_new(chart->context, height, width, 3);
    if (!image)
        return NULL;
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    rv_status status = rv_cairo_status(chart->context, cairo_surface_status(surface));
    if (status == RV_OK)
        status = draw_on(chart, surface, chart->config.scale);
    const unsigned char *data = status == RV_OK ? cairo_image_surface_get_data(surface) : NULL;
    int stride = cairo_image_surface_get_stride(surface);
    for (int y = 0; data && y < height; y++) {
        const uint32_t *from = (const uint32_t *)(const void *)(data + (size_t)y * (size_t)stride);
        unsigned char *to = image->pixels + (size_t)y * (size_t)width * 3;
        for (int x = 0; x < width; x++, to += 3) {
            to[0] = (unsigned char)(from[x] >> 16);
            to[1] = (unsigned char)(from[x] >> 8);
            to[2] = (unsigned char)from[x];
        }
    }
    cairo_surface_destroy(surface);
    if (!data) {
        rv_image_free(image);
        return NULL;
    }
    return image;
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
    rv_status status = draw_on(chart, surface, 1);
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
