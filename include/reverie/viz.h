/* viz.h - pictures: image grids, collages, charts, an HTML report, a preview in the terminal.
 *
 *     rv_image_batch batch = rv_image_batch_of(pixels, 64, 28, 28);   // f32 [64,28,28,1] in [0,1]
 *     rv_image *grid = rv_grid(context, batch, NULL);                 // as torchvision's make_grid
 *     rv_image_save(context, grid, "samples.png");
 *     rv_chart *chart = rv_chart_new(context, NULL);
 *     rv_chart_line(chart, "train", epochs, losses, 10);
 *     rv_chart_save(chart, "curves.svg");                             // or .png
 *     rv_chart_free(chart);
 *     rv_image_free(grid);
 *
 * Failures are latched in the context; functions return a status, or NULL.  A NULL object from a
 * failed call may be passed on: the next call does nothing and fails too, so a chain of calls needs
 * only one check, of the context, at its end.  Functions that free ignore NULL.  Text is UTF-8.
 * The same input gives the same bytes on one machine (charts use the machine's fonts).
 */
#ifndef REVERIE_VIZ_H
#define REVERIE_VIZ_H

#include "reverie/values.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Frees a text that a function of this header returned. */
void rv_viz_text_free(char *text);

/* ---- Images ---- */

/* An 8-bit picture. */
typedef struct rv_image {
    int height, width, channels; /* channels: 1 (grey) or 3 (red, green, blue) */
    unsigned char *pixels;       /* [height, width, channels], no padding between rows; owned */
} rv_image;

/* A black image, owned by the caller; NULL on a bad size (RV_BAD_USAGE) or no memory. */
rv_image *rv_image_new(rv_context *context, int height, int width, int channels);
void rv_image_free(rv_image *image);
/* Each pixel becomes factor x factor equal ones.  A new image. */
rv_image *rv_image_enlarge(rv_context *context, const rv_image *image, int factor);
/* The mean of each block of factor x factor pixels (fewer at the right and bottom edges).  A new
 * image. */
rv_image *rv_image_reduce(rv_context *context, const rv_image *image, int factor);
/* Writes `path`, which must end in ".png"; the file appears whole or not at all. */
rv_status rv_image_save(rv_context *context, const rv_image *image, const char *path);
/* Reads a PNG; the caller owns the image.  NULL: RV_BAD_FILE. */
rv_image *rv_image_load(rv_context *context, const char *path);

/* `count` pictures of one size, in the format of models.  A view: nothing is copied or owned. */
typedef struct rv_image_batch {
    const float *values;                /* [count, height, width, channels] */
    int count, height, width, channels; /* channels: 1 or 3 */
    float low, high;                    /* the values of black and white: 0 and 1, or -1 and 1 */
} rv_image_batch;

/* A batch of grey pictures with values in [0,1]; change `channels`, `low`, `high` for others.
 */
rv_image_batch rv_image_batch_of(const float *values, int count, int height, int width);

/* ---- Grids (torchvision.utils.make_grid and save_image) ---- */

typedef struct rv_grid_config {
    int columns;     /* pictures in a row, 8; fewer pictures make one shorter row */
    int padding;     /* pixels between pictures and around the grid, 2 */
    float pad_value; /* brightness of the padding in [0,1], 0 */
} rv_grid_config;
rv_grid_config rv_grid_defaults(void);

/* Arranges the pictures in rows, exactly as torchvision does: the result always has 3 channels; a
 * batch of one is that picture without padding; a value v becomes the float32 x = v, or, when [low,
 * high] is not [0,1], x = (clamp(v) - low) / (high - low), and the byte trunc(clamp(x*255 + 0.5, 0,
 * 255)).  NaN is black.  `config` may be NULL.  The caller owns the image.  RV_BAD_USAGE: no
 * pictures, bad sizes or range. */
rv_image *rv_grid(rv_context *context, rv_image_batch batch, const rv_grid_config *config);

/* ---- Collages (Lab 1): pictures edge to edge, stretched to the full range of 8 bits ---- */

typedef struct rv_collage_config {
    int rows, columns; /* 0: as many as needed; both 0: nearly square */
    int enlarge;       /* nearest-neighbour enlargement, 4 */
    int each;          /* 0: one range for the whole collage; 1: one for each picture */
} rv_collage_config;
rv_collage_config rv_collage_defaults(void);

/* Byte = round(255 * (v - least) / (most - least)), where least and most are over the finite values
 * of the whole collage (or of each picture, see `each`).  If these are all equal, their brightness
 * in [low, high] is used, clamped: constant 0 stays black, constant 1 white.  NaN and -infinity are
 * black, +infinity white.  Cells without a picture are black.  Channels as in the batch.  `config`
 * may be NULL.  The caller owns the image.  RV_BAD_USAGE: no pictures, or more than
 * rows*columns. */
rv_image *rv_collage(rv_context *context, rv_image_batch batch, const rv_collage_config *config);

/* ---- Sheets: pictures edge to edge, which can be cut out again ---- */

/* Rows of `columns` pictures (fewer pictures make one shorter row) without margins, the last row
 * filled with black.  Byte = round(255 * (v - low) / (high - low)), clamped; NaN is black.
 * Channels as in the batch.  The caller owns the image.  RV_BAD_USAGE: no pictures, bad sizes or
 * range. */
rv_image *rv_sheet(rv_context *context, rv_image_batch batch, int columns);
/* The part of `height` x `width` pixels with its first pixel at (top, left).  A new image. */
rv_image *rv_image_cut(rv_context *context, const rv_image *image, int top, int left, int height,
                       int width);

/* Picks `wanted` of `total` things, evenly spaced, first and last included: chosen[i] =
 * round(i * (total-1) / (wanted-1)), increasing, no index twice.  With wanted = 1 it is the last.
 * `chosen` holds `wanted` entries.  Returns the number written: min(wanted, total), 0 when either
 * is not positive. */
int rv_pick_evenly(int64_t total, int wanted, int64_t *chosen);

/* ---- Latent coordinates ---- */

/* n x n points of [-a,a]^2 in reading order, for decoding and for rv_grid with n columns: out[r*n +
 * c] = (-a + 2ac/(n-1), a - 2ar/(n-1)), so the first coordinate grows to the right and the second
 * grows upward, as on paper (row 0 holds +a).  n = 1 gives the origin.  out: [n*n, 2].
 */
void rv_manifold_points(int n, double a, float *out);
/* `count` values from `low` to `high`, both included; count = 1 gives `low`.  out: [count].  For
 * interpolation, rv_evenly_spaced(0, 1, 6, alphas) gives 0, .2, .4, .6, .8, 1. */
void rv_evenly_spaced(double low, double high, int count, float *out);
/* The straight line between two points of `size` coordinates: out[i] = (1-alpha_i) from + alpha_i
 * to, alpha = rv_evenly_spaced(0, 1, count); both ends are exact.  out: [count, size]. */
void rv_interpolate(const float *from, const float *to, int size, int count, float *out);

/* ---- Charts ---- */

typedef struct rv_chart rv_chart;

typedef struct rv_chart_config {
    const char *title, *x_label, *y_label; /* NULL: none; put units in the label: "loss (nats)" */
    int width, height;                     /* 560 x 360 units; one unit is a CSS pixel */
    double scale;                          /* pixels for each unit in PNG, 2 */
    int log_x, log_y;                      /* logarithmic axes; omit values <= 0 */
    int square;                            /* equal units on both axes (latent spaces) */
    int smooth; /* >= 2: draws lines faint, with their centred mean over so many points */
    /* A square of the plane, from (left, low), on a square plot: what lies outside is not drawn;
     * side 0: the axes fit the data. */
    double left, low, side;
} rv_chart_config;
rv_chart_config rv_chart_defaults(void);
/* Finds and loads the fonts of charts, once in a process; otherwise the first chart does this.
 * Call it before long work, since loading needs memory.  RV_NO_MEMORY when there is not enough. */
rv_status rv_fonts_load(rv_context *context);

/* An empty chart for any number of lines, points and bars; all arguments are copied.  `config` may
 * be NULL.  The caller owns the chart; the context must outlive it. */
rv_chart *rv_chart_new(rv_context *context, const rv_chart_config *config);
void rv_chart_free(rv_chart *chart);

/* A line through (x[i], y[i]); x NULL means 1, 2, ...  A NaN or infinite value interrupts it; a
 * single point is a dot.  `name` is for the legend; NULL: no row there. */
rv_status rv_chart_line(rv_chart *chart, const char *name, const double *x, const double *y,
                        int64_t count);

typedef struct rv_scatter {
    const float *points;    /* [count, 2] */
    const int32_t *classes; /* [count], 0 <= class < class_count; NULL: one class */
    int64_t count;
    const char *const *class_names; /* [class_count]; NULL: "0", "1", ... */
    int class_count;                /* colours repeat after 10 */
    int name_in_plot;               /* 1: also writes each class's name at its median point */
    int only_colors;                /* 1: classes are colours, without names and a legend */
} rv_scatter;
/* 10 unnamed classes, no points, names in the plot. */
rv_scatter rv_scatter_defaults(void);
/* Points coloured by class, with a legend; size and opacity depend on the number of points.  Points
 * that are not finite are omitted. */
rv_status rv_chart_scatter(rv_chart *chart, const rv_scatter *scatter);

/* Bars: bar i covers [edges[i], edges[i+1]].  edges: [count+1], increasing; heights: [count]. */
rv_status rv_chart_bars(rv_chart *chart, const char *name, const double *edges,
                        const double *heights, int count);
/* A histogram of the finite values in `bins` equal bins (0: chosen from the number of values).
 * Heights are counts. */
rv_status rv_chart_histogram(rv_chart *chart, const char *name, const float *values, int64_t count,
                             int bins);

/* A field over the square of the configuration, which it must have: values [side,side], the first
 * row at the top, from 0 (white) to 1 (dark).  It lies below all else; NaN is white. */
rv_status rv_chart_field(rv_chart *chart, const float *values, int side);
/* Thin grey curves below the points: points [curves,count,2]. */
rv_status rv_chart_mesh(rv_chart *chart, const float *points, int64_t curves, int64_t count);

/* Draws the chart to `path`, ".png" or ".svg"; the file appears whole or not at all.  A chart with
 * no finite data says "no data". */
rv_status rv_chart_save(rv_chart *chart, const char *path);
/* The chart as an RGB image of (width*scale) x (height*scale) pixels; the caller owns it. */
rv_image *rv_chart_image(rv_chart *chart);
/* Charts [count] of one size, in rows of `columns`, below a title (NULL: none; \n begins a line),
 * as one image in the scale of the first; the caller owns it.  RV_BAD_USAGE: no charts, or of
 * several sizes. */
rv_image *rv_charts_image(rv_context *context, const char *title, rv_chart *const *charts,
                          int count, int columns);
/* The chart as an SVG document with text as shapes; freed with rv_viz_text_free. */
char *rv_chart_svg(rv_chart *chart);

/* ---- An HTML report: one self-contained page without scripts ---- */

typedef struct rv_page rv_page;

/* An empty page, owned by the caller.  Parts appear in the order of the calls.  All text is
 * escaped. */
rv_page *rv_page_new(rv_context *context, const char *title);
void rv_page_free(rv_page *page);
/* The heading of a section. */
rv_status rv_page_heading(rv_page *page, const char *text);
/* A paragraph; an empty line in the text starts a new one. */
rv_status rv_page_text(rv_page *page, const char *text);
/* Verbatim text in a fixed-width font: commands, settings. */
rv_status rv_page_code(rv_page *page, const char *text);

typedef struct rv_table {
    const char *caption;        /* NULL: none */
    const char *const *columns; /* [column_count] */
    int column_count;
    const char *const *cells; /* [row_count, column_count]; NULL: an empty cell */
    int row_count;
} rv_table;
/* A table; cells with numbers are aligned to the right. */
rv_status rv_page_table(rv_page *page, const rv_table *table);
/* A table of results, list [count]: a row for each list, a column for each number, count and word
 * of the first list.  Adds nothing if there are none. */
rv_status rv_page_values(rv_page *page, const char *caption, const rv_values *list, int count);

/* Embeds the image as PNG with a caption (may be NULL), which also describes it to a reader who
 * cannot see it.  `enlarge`: CSS pixels for each pixel, with hard edges, for small pictures; 0: no
 * enlargement, with smooth scaling.  An image with over 360000 pixels, or over 1280 on a side, is
 * reduced by the smallest sufficient integer factor, and `enlarge` is ignored: pages stay small. */
rv_status rv_page_image(rv_page *page, const rv_image *image, const char *caption, int enlarge);
/* Embeds an SVG document without changes, except that its ids are made unique. */
rv_status rv_page_svg(rv_page *page, const char *svg, const char *caption);
/* Draws and embeds a chart. */
rv_status rv_page_chart(rv_page *page, rv_chart *chart, const char *caption);

/* The whole page; freed with rv_viz_text_free.  More parts may be added afterwards. */
char *rv_page_html(rv_page *page);
/* Writes the page; the file appears whole or not at all.  The report stays usable. */
rv_status rv_page_save(rv_page *page, const char *path);

#ifdef __cplusplus
}
#endif
#endif
