/* An HTML page, built part by part.  It contains everything: style, pictures (PNG as data: URIs),
 * drawings (inline SVG).  It loads nothing and runs nothing, as its Content-Security-Policy
 * states. */
#include "core/memory.h"
#include "core/text.h"
#include "reverie/io.h"
#include "viz/chart/chart.h"
#include "viz/page/page_style.h"
#include "viz/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Limits of an embedded picture: far above the sheets of small images, and above a page of width
 * 1080. */
enum { SIDE_MOST = 1280, PIXELS_MOST = 360000 };

struct rv_page {
    rv_context *context;
    char *title;
    rv_text body;
    int figures;    /* number so far, for ids */
    int in_figures; /* a row of figures is open: consecutive figures share it */
};

rv_page *rv_page_new(rv_context *context, const char *title)
{
    rv_page *page = rv_calloc(1, sizeof *page);
    char *copy = rv_strdup(title ? title : "");
    if (!page || !copy) {
        rv_free(page);
        rv_free(copy);
        rv_fail_memory(context);
        return NULL;
    }
    page->context = context;
    page->title = copy;
    return page;
}

void rv_page_free(rv_page *page)
{
    if (!page)
        return;
    rv_text_free(&page->body);
    rv_free(page->title);
    rv_free(page);
}

static rv_status body_status(rv_page *page)
{
    return page->body.failed ? rv_fail_memory(page->context) : RV_OK;
}

/* Ends an open row of figures, so that another part can follow. */
static rv_text *begin_block(rv_page *page)
{
    if (page->in_figures)
        rv_text_add(&page->body, "</div>\n");
    page->in_figures = 0;
    return &page->body;
}

static rv_status add_element(rv_page *page, const char *tag, const char *text)
{
    if (!page)
        return RV_BAD_USAGE;
    rv_text *body = begin_block(page);
    rv_text_printf(body, "<%s>", tag);
    rv_text_add_escaped(body, text);
    rv_text_printf(body, "</%s>\n", tag);
    return body_status(page);
}

rv_status rv_page_heading(rv_page *page, const char *text)
{
    return add_element(page, "h2", text);
}

rv_status rv_page_code(rv_page *page, const char *text)
{
    return add_element(page, "pre", text);
}

rv_status rv_page_text(rv_page *page, const char *text)
{
    if (!page)
        return RV_BAD_USAGE;
    char *copy = rv_strdup(text);
    if (!copy)
        return rv_fail_memory(page->context);
    for (char *next = copy; next;) {
        char *gap = strstr(next, "\n\n");
        if (gap)
            *gap = '\0';
        if (next[strspn(next, "\n")])
            add_element(page, "p", next + strspn(next, "\n"));
        next = gap ? gap + 2 : NULL;
    }
    rv_free(copy);
    return body_status(page);
}

/* ---- Tables ---- */

/* "-12.5", "1e-3", "3%", and the typographic minus. */
static int is_number(const char *cell)
{
    if (strncmp(cell, "\xe2\x88\x92", 3) == 0)
        cell += 3;
    if (!*cell || !strchr("+-.0123456789", *cell))
        return 0;
    char *end;
    double value = rv_text_number(cell, &end);
    return end > cell && isfinite(value) && (!*end || strcmp(end, "%") == 0);
}

/* Whether every nonempty cell of the column is a number. */
static int is_number_column(const rv_table *table, int column)
{
    int numbers = 0;
    for (int row = 0; row < table->row_count; row++) {
        const char *cell = table->cells[(size_t)row * (size_t)table->column_count + (size_t)column];
        if (!cell || !*cell || strcmp(cell, "-") == 0)
            continue;
        if (!is_number(cell))
            return 0;
        numbers++;
    }
    return numbers > 0;
}

static void add_cell(rv_text *body, const char *tag, const char *text, int number)
{
    rv_text_printf(body, number ? "<%s class=\"n\">" : "<%s>", tag);
    rv_text_add_escaped(body, text ? text : "");
    rv_text_printf(body, "</%s>", tag);
}

rv_status rv_page_table(rv_page *page, const rv_table *table)
{
    if (!page)
        return RV_BAD_USAGE;
    if (table->column_count < 1 || table->row_count < 0)
        return rv_fail(page->context, RV_BAD_USAGE,
                       "a table of %d columns and %d rows cannot be shown", table->column_count,
                       table->row_count);
    rv_text *body = begin_block(page);
    rv_text_add(body, "<div class=\"table\"><table>\n");
    if (table->caption) {
        rv_text_add(body, "<caption>");
        rv_text_add_escaped(body, table->caption);
        rv_text_add(body, "</caption>\n");
    }
    rv_text_add(body, "<thead><tr>");
    for (int column = 0; column < table->column_count; column++)
        add_cell(body, "th", table->columns[column], is_number_column(table, column));
    rv_text_add(body, "</tr></thead>\n<tbody>\n");
    const char *const *cell = table->cells;
    for (int row = 0; row < table->row_count; row++) {
        rv_text_add(body, "<tr>");
        for (int column = 0; column < table->column_count; column++, cell++)
            add_cell(body, "td", *cell, *cell && is_number(*cell));
        rv_text_add(body, "</tr>\n");
    }
    rv_text_add(body, "</tbody></table></div>\n");
    return body_status(page);
}

/* ---- Figures ---- */

static rv_text *begin_figure(rv_page *page, const char *kind)
{
    if (!page->in_figures)
        rv_text_add(&page->body, "<div class=\"figures\">\n");
    page->in_figures = 1;
    page->figures++;
    rv_text_printf(&page->body, "<figure class=\"%s\">", kind);
    return &page->body;
}

static rv_status end_figure(rv_page *page, const char *caption)
{
    rv_text *body = &page->body;
    if (caption) {
        rv_text_add(body, "<figcaption>");
        rv_text_add_escaped(body, caption);
        rv_text_add(body, "</figcaption>");
    }
    rv_text_add(body, "</figure>\n");
    return body_status(page);
}

/* The image as a PNG file in base64; freed with rv_io_free.  NULL, latched, on failure. */
static char *encode_image(rv_context *context, const rv_image *image)
{
    rv_pixels8 pixels = {image->height, image->width, image->channels, image->pixels};
    uint8_t *bytes = NULL;
    size_t count = 0;
    if (rv_png_encode(context, &pixels, &bytes, &count) != RV_OK)
        return NULL;
    char *encoded = rv_base64(bytes, count);
    rv_io_free(bytes);
    if (!encoded)
        rv_fail_memory(context);
    return encoded;
}

/* The least whole factor that reduces the image enough: 1 if it is small enough. */
static int reduction_of(const rv_image *image)
{
    int factor = 1;
    for (;; factor++) {
        int64_t height = (image->height - 1) / factor + 1, width = (image->width - 1) / factor + 1;
        if (height <= SIDE_MOST && width <= SIDE_MOST && height * width <= PIXELS_MOST)
            return factor;
    }
}

static rv_status add_picture(rv_page *page, const rv_image *image, const char *caption, int enlarge)
{
    char *encoded = encode_image(page->context, image);
    if (!encoded)
        return rv_error_status(page->context);
    int64_t factor = enlarge ? enlarge : 1;
    rv_text *body = begin_figure(page, "image");
    rv_text_printf(body, "<img width=\"%lld\" height=\"%lld\"%s alt=\"",
                   (long long)(image->width * factor), (long long)(image->height * factor),
                   enlarge ? " class=\"pixels\"" : "");
    rv_text_add_escaped(body, caption ? caption : "");
    rv_text_add(body, "\" src=\"data:image/png;base64,");
    rv_text_add(body, encoded);
    rv_text_add(body, "\">");
    rv_io_free(encoded);
    return end_figure(page, caption);
}

rv_status rv_page_image(rv_page *page, const rv_image *image, const char *caption, int enlarge)
{
    if (!page)
        return RV_BAD_USAGE;
    if (!image)
        return rv_viz_missing(page->context, "image");
    if (rv_viz_bad_number(page->context, "the enlargement", enlarge, 0, 1000))
        return RV_BAD_USAGE;
    int reduction = reduction_of(image);
    if (reduction == 1)
        return add_picture(page, image, caption, enlarge);
    rv_image *small = rv_image_reduce(page->context, image, reduction);
    rv_status status =
        small ? add_picture(page, small, caption, 0) : rv_error_status(page->context);
    rv_image_free(small);
    return status;
}

rv_status rv_page_svg(rv_page *page, const char *svg, const char *caption)
{
    if (!page)
        return RV_BAD_USAGE;
    const char *drawing = svg ? strstr(svg, "<svg") : NULL; /* without the XML declaration */
    if (!drawing)
        return svg ? rv_fail(page->context, RV_BAD_USAGE, "the drawing has no <svg> element")
                   : rv_viz_missing(page->context, "drawing");
    rv_text *body = begin_figure(page, "drawing");
    if (caption) {
        rv_text_add(body, "<div role=\"img\" aria-label=\"");
        rv_text_add_escaped(body, caption);
        rv_text_add(body, "\">");
    } else {
        rv_text_add(body, "<div>");
    }
    char prefix[24];
    snprintf(prefix, sizeof prefix, "f%d-", page->figures);
    rv_status status = rv_svg_rename_ids(page->context, body, drawing, prefix);
    body->failed |= status != RV_OK; /* an incomplete drawing spoils the page */
    rv_text_add(body, "</div>");
    rv_status ended = end_figure(page, caption);
    return status != RV_OK ? status : ended;
}

rv_status rv_page_chart(rv_page *page, rv_chart *chart, const char *caption)
{
    if (!page || !chart)
        return RV_BAD_USAGE;
    char *svg = rv_chart_svg(chart);
    rv_status status = rv_page_svg(page, svg, caption);
    rv_free(svg);
    return status;
}

/* ---- The page ---- */

char *rv_page_html(rv_page *page)
{
    if (!page)
        return NULL;
    rv_text html = {0};
    rv_text_add(&html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                       "img-src data:; style-src 'unsafe-inline'\">\n"
                       "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    rv_text_add_escaped(&html, page->title);
    rv_text_add(&html, "</title>\n<style>\n");
    rv_text_add(&html, rv_page_style);
    rv_text_add(&html, "</style>\n</head>\n<body>\n<main>\n<h1>");
    rv_text_add_escaped(&html, page->title);
    rv_text_add(&html, "</h1>\n");
    if (page->body.length)
        rv_text_add_bytes(&html, page->body.characters, page->body.length);
    rv_text_add(&html, page->in_figures ? "</div>\n" : "");
    rv_text_printf(&html, "</main>\n<footer>Reverie %s</footer>\n</body>\n</html>\n", rv_version());
    html.failed |= page->body.failed;
    return rv_text_finish(&html, page->context);
}

rv_status rv_page_save(rv_page *page, const char *path)
{
    if (!page)
        return RV_BAD_USAGE;
    char *html = rv_page_html(page);
    if (!html)
        return rv_error_status(page->context);
    rv_status status = rv_file_write(page->context, path, html, strlen(html));
    rv_free(html);
    return status;
}
