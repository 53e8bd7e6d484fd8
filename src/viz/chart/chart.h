/* The inside of a chart: its series (chart.c), the places of its parts (layout.c), and their
 * drawing (draw.c, marks.c) on any cairo surface (surface.c).  The unit of length is a CSS
 * pixel. */
#ifndef CHART_CHART_H
#define CHART_CHART_H

#include "core/arena.h"
#include "reverie/viz.h"
#include "viz/chart/ticks.h"
#include "viz/text.h"

#include <cairo.h>

/* The last is drawn first. */
typedef enum rv_series_kind {
    RV_SERIES_LINE,
    RV_SERIES_POINTS,
    RV_SERIES_BARS,
    RV_SERIES_MESH,
    RV_SERIES_FIELD,
    RV_SERIES_KINDS
} rv_series_kind;

typedef struct rv_series {
    struct rv_series *next;
    rv_series_kind kind;
    char *name; /* NULL: not in the legend */
    int64_t count;
    double *x, *y;      /* [count] for lines and points; bars: edges [count+1] and heights [count];
                         fields: values y [count] */
    int64_t across;     /* meshes: the points of a curve; fields: the values of a row */
    double *smooth;     /* [count] a line's centred mean; NULL: none */
    int color;          /* for lines and bars: index into the palette */
    int32_t *classes;   /* [count] for points */
    char **class_names; /* [class_count] for points */
    int class_count, name_in_plot, only_colors;
} rv_series;

struct rv_chart {
    rv_context *context;
    rv_arena arena;         /* holds all series */
    rv_chart_config config; /* its texts are in the arena */
    rv_series *first, **last;
    int colors_used;
};

typedef struct rv_box {
    double left, top, width, height;
} rv_box;

/* One row of the legend. */
typedef struct rv_legend_entry {
    const char *name;
    rv_series_kind kind;
    int color;
    double x, y; /* the left end and the middle of its row */
} rv_legend_entry;

typedef struct rv_chart_layout {
    rv_axis x, y;
    rv_ticks x_ticks, y_ticks;
    rv_box plot;                    /* the area between the axes */
    int has_data, is_limited;       /* is_limited: the configuration gives the axes */
    rv_legend_entry *legend;        /* [legend_count], freed with rv_chart_layout_free */
    int legend_count, legend_shown; /* those that fit */
    double more_x, more_y;          /* the place of "+ n more" */
} rv_chart_layout;

/* layout.c: whether these axes can show both coordinates. */
int rv_chart_layout_shows(const rv_chart_layout *layout, double x, double y);

/* fonts.c.  Text: 11 to 15 units high, sans-serif. */
typedef enum rv_font { RV_FONT_TICK, RV_FONT_LABEL, RV_FONT_TITLE } rv_font;
void rv_font_select(cairo_t *cairo, rv_font font);
double rv_text_width(cairo_t *cairo, rv_font font, const char *text);

/* layout.c: measures and places everything; fails only if memory is out. */
rv_status rv_chart_layout_make(const rv_chart *chart, cairo_t *cairo, rv_chart_layout *layout);
void rv_chart_layout_free(rv_chart_layout *layout);
/* A data point in units of the picture. */
double rv_chart_layout_x(const rv_chart_layout *layout, double x);
double rv_chart_layout_y(const rv_chart_layout *layout, double y);

/* draw.c: the whole chart; and a sheet of charts. */
rv_status rv_chart_draw(const rv_chart *chart, cairo_t *cairo);
typedef struct rv_chart_sheet {
    const char *title;
    rv_chart *const *charts; /* [count] */
    int count, columns;
    double top; /* the height of the title, whose lines end in \n */
} rv_chart_sheet;
double rv_chart_sheet_top(const char *title);
rv_status rv_chart_sheet_draw(const rv_chart_sheet *sheet, cairo_t *cairo);
/* marks.c: only the data. */
rv_status rv_marks_draw(const rv_chart *chart, const rv_chart_layout *layout, cairo_t *cairo);

/* surface.c: RV_OK, or the failure of a drawing, latched. */
rv_status rv_cairo_status(rv_context *context, cairo_status_t status);

/* field.c */
rv_status rv_field_draw(const rv_chart *chart, const rv_chart_layout *layout, cairo_t *cairo,
                        const rv_series *series);

/* palette.c: ten colours; the index is taken modulo ten. */
void rv_palette_select(cairo_t *cairo, int color, double opacity);

/* svg.c: appends `svg` to `out` and renames each id, and each use of it, to the prefix and a
 * number, in order of appearance. */

rv_status rv_svg_rename_ids(rv_context *context, rv_text *out, const char *svg, const char *prefix);

#endif
