/* The frame of a chart: title, legend, grid lines, axes and their labels.  It is in quiet greys, so
 * that the data (marks.c) stand out. */
#include "viz/chart/chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef enum ink { INK_TEXT, INK_QUIET, INK_AXIS, INK_GRID } ink;

static void select_ink(cairo_t *cairo, ink color)
{
    static const double grey[] = {0.13, 0.35, 0.55, 0.90};
    cairo_set_source_rgb(cairo, grey[color], grey[color], grey[color]);
}

/* `anchor`: the fraction of the text's width to the left of x (0: the text begins at x, 0.5: it is
 * centred, 1: it ends there). */
static void put_text(cairo_t *cairo, rv_font font, double x, double y, double anchor,
                     const char *text)
{
    double width = rv_text_width(cairo, font, text);
    cairo_move_to(cairo, x - anchor * width, y);
    cairo_show_text(cairo, text);
    cairo_new_path(cairo); /* otherwise the next line would begin at the end of the text */
}

static void put_line(cairo_t *cairo, double x0, double y0, double x1, double y1)
{
    cairo_move_to(cairo, x0, y0);
    cairo_line_to(cairo, x1, y1);
    cairo_stroke(cairo);
}

/* The middle of a unit, so that a line of width one is sharp. */
static double crisp(double position)
{
    return floor(position) + 0.5;
}

static void draw_x_axis(const rv_chart_layout *layout, cairo_t *cairo)
{
    const rv_box *plot = &layout->plot;
    double bottom = plot->top + plot->height;
    cairo_set_line_width(cairo, 1);
    for (int i = 0; i < layout->x_ticks.count; i++) {
        double x = crisp(rv_chart_layout_x(layout, layout->x_ticks.at[i]));
        select_ink(cairo, INK_GRID);
        put_line(cairo, x, plot->top, x, bottom);
        select_ink(cairo, INK_AXIS);
        put_line(cairo, x, crisp(bottom), x, crisp(bottom) + 4);
        select_ink(cairo, INK_QUIET);
        put_text(cairo, RV_FONT_TICK, x, bottom + 17, 0.5, layout->x_ticks.label[i]);
    }
    select_ink(cairo, INK_AXIS);
    for (int i = 0; i < layout->x_ticks.minor_count; i++) {
        double x = crisp(rv_chart_layout_x(layout, layout->x_ticks.minor[i]));
        put_line(cairo, x, crisp(bottom), x, crisp(bottom) + 2);
    }
    put_line(cairo, plot->left, crisp(bottom), plot->left + plot->width, crisp(bottom));
}

static void draw_y_axis(const rv_chart_layout *layout, cairo_t *cairo)
{
    const rv_box *plot = &layout->plot;
    cairo_set_line_width(cairo, 1);
    for (int i = 0; i < layout->y_ticks.count; i++) {
        double y = crisp(rv_chart_layout_y(layout, layout->y_ticks.at[i]));
        select_ink(cairo, INK_GRID);
        put_line(cairo, plot->left, y, plot->left + plot->width, y);
        select_ink(cairo, INK_QUIET);
        put_text(cairo, RV_FONT_TICK, plot->left - 7, y + 4, 1, layout->y_ticks.label[i]);
    }
    select_ink(cairo, INK_AXIS);
    for (int i = 0; i < layout->y_ticks.minor_count; i++) {
        double y = crisp(rv_chart_layout_y(layout, layout->y_ticks.minor[i]));
        put_line(cairo, plot->left - 3, y, plot->left, y);
    }
}

/* The label of an axis and, if its ticks are multiples of a power of ten, that power. */
static void axis_label(const char *label, int exponent, char *out, size_t size)
{
    char power[32] = "";
    if (exponent)
        snprintf(power, sizeof power, "%s\xc3\x97 1e%d", label ? "  " : "", exponent);
    snprintf(out, size, "%s%s", label ? label : "", power);
}

static void draw_labels(const rv_chart *chart, const rv_chart_layout *layout, cairo_t *cairo)
{
    const rv_box *plot = &layout->plot;
    char text[400];
    select_ink(cairo, INK_TEXT);
    axis_label(chart->config.x_label, layout->x_ticks.exponent, text, sizeof text);
    put_text(cairo, RV_FONT_LABEL, plot->left + plot->width / 2, plot->top + plot->height + 37, 0.5,
             text);
    axis_label(chart->config.y_label, layout->y_ticks.exponent, text, sizeof text);
    cairo_save(cairo);
    cairo_translate(cairo, 24, plot->top + plot->height / 2);
    cairo_rotate(cairo, -M_PI / 2);
    put_text(cairo, RV_FONT_LABEL, 0, 0, 0.5, text);
    cairo_restore(cairo);
    if (chart->config.title)
        put_text(cairo, RV_FONT_TITLE, 16, 30, 0, chart->config.title);
}

/* A short line, a dot or a square, in the style of the series. */
static void draw_key(const rv_legend_entry *entry, cairo_t *cairo)
{
    rv_palette_select(cairo, entry->color, 1);
    if (entry->kind == RV_SERIES_POINTS) {
        cairo_arc(cairo, entry->x + 8, entry->y, 4.5, 0, 2 * M_PI);
        cairo_fill(cairo);
    } else if (entry->kind == RV_SERIES_BARS) {
        cairo_rectangle(cairo, entry->x + 3, entry->y - 5, 10, 10);
        cairo_fill(cairo);
    } else {
        cairo_set_line_width(cairo, 2.5);
        put_line(cairo, entry->x, entry->y, entry->x + 16, entry->y);
    }
}

static void draw_legend(const rv_chart_layout *layout, cairo_t *cairo)
{
    for (int i = 0; i < layout->legend_shown; i++) {
        const rv_legend_entry *entry = &layout->legend[i];
        draw_key(entry, cairo);
        select_ink(cairo, INK_TEXT);
        put_text(cairo, RV_FONT_LABEL, entry->x + 22, entry->y + 4, 0, entry->name);
    }
    if (layout->legend_shown < layout->legend_count) {
        char more[40];
        snprintf(more, sizeof more, "+ %d more", layout->legend_count - layout->legend_shown);
        select_ink(cairo, INK_QUIET);
        put_text(cairo, RV_FONT_LABEL, layout->more_x, layout->more_y + 4, 0, more);
    }
}

rv_status rv_chart_draw(const rv_chart *chart, cairo_t *cairo)
{
    rv_chart_layout layout;
    rv_status status = rv_chart_layout_make(chart, cairo, &layout);
    if (status != RV_OK)
        return status;
    draw_y_axis(&layout, cairo);
    draw_x_axis(&layout, cairo); /* its line covers the grid */
    status = rv_marks_draw(chart, &layout, cairo);
    draw_labels(chart, &layout, cairo);
    draw_legend(&layout, cairo);
    if (!layout.has_data) {
        select_ink(cairo, INK_QUIET);
        put_text(cairo, RV_FONT_LABEL, layout.plot.left + layout.plot.width / 2,
                 layout.plot.top + layout.plot.height / 2, 0.5, "no data");
    }
    rv_chart_layout_free(&layout);
    return status;
}

enum { SHEET_LINE = 18, SHEET_ABOVE = 24 }; /* between two lines, and down to the first */

double rv_chart_sheet_top(const char *title)
{
    double height = title ? SHEET_ABOVE + 4 : 0;
    for (; title && *title; title++)
        height += *title == '\n' ? SHEET_LINE : 0;
    return height;
}

static void draw_lines(const char *text, cairo_t *cairo)
{
    char line[256];
    for (double y = SHEET_ABOVE; *text; y += SHEET_LINE) {
        size_t length = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)length, text);
        put_text(cairo, RV_FONT_LABEL, 16, y, 0, line);
        text += length + (text[length] == '\n');
    }
}

rv_status rv_chart_sheet_draw(const rv_chart_sheet *sheet, cairo_t *cairo)
{
    rv_status status = RV_OK;
    if (sheet->title) {
        select_ink(cairo, INK_TEXT);
        draw_lines(sheet->title, cairo);
    }
    for (int i = 0; status == RV_OK && i < sheet->count; i++) {
        const rv_chart_config *config = &sheet->charts[i]->config;
        cairo_save(cairo);
        cairo_translate(cairo, i % sheet->columns * (double)config->width,
                        sheet->top + i / sheet->columns * (double)config->height);
        status = rv_chart_draw(sheet->charts[i], cairo);
        cairo_restore(cairo);
    }
    return status;
}
