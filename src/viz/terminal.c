/* A picture as text: upper half blocks, whose character colour is the upper pixel and whose
 * background the lower one; or, without colour, one character for two pixels, by brightness. */
#include "reverie/viz.h"
#include "viz/text.h"

typedef struct color {
    int red, green, blue; /* 0..255; red -1: the terminal's own */
} color;

static const color no_color = {-1, 0, 0};

/* The mean colour of the factor x factor pixels of cell (row, column); no_color below the image. */
static color mean_color(const rv_image *image, int factor, int row, int column)
{
    int64_t sum[3] = {0, 0, 0}, count = 0;
    int bottom = (row + 1) * factor < image->height ? (row + 1) * factor : image->height;
    int right = (column + 1) * factor < image->width ? (column + 1) * factor : image->width;
    for (int y = row * factor; y < bottom; y++) {
        for (int x = column * factor; x < right; x++, count++) {
            size_t at = ((size_t)y * (size_t)image->width + (size_t)x) * (size_t)image->channels;
            for (int c = 0; c < 3; c++)
                sum[c] += image->pixels[at + (size_t)(image->channels == 3 ? c : 0)];
        }
    }
    if (!count)
        return no_color;
    return (color){(int)((sum[0] + count / 2) / count), (int)((sum[1] + count / 2) / count),
                   (int)((sum[2] + count / 2) / count)};
}

static int same(color a, color b)
{
    return a.red == b.red && a.green == b.green && a.blue == b.blue;
}

/* Selects a colour; `code` is 38 for characters, 48 for the background. */
static void select_color(rv_text *text, int code, color wanted)
{
    if (wanted.red < 0)
        rv_text_printf(text, "\033[%dm", code + 1);
    else
        rv_text_printf(text, "\033[%d;2;%d;%d;%dm", code, wanted.red, wanted.green, wanted.blue);
}

static void add_color_line(rv_text *text, const rv_image *image, int factor, int line, int columns)
{
    color front = no_color, back = no_color; /* what the terminal has at the start of a line */
    for (int column = 0; column < columns; column++) {
        color upper = mean_color(image, factor, 2 * line, column);
        color lower = mean_color(image, factor, 2 * line + 1, column);
        if (!same(upper, front))
            select_color(text, 38, upper);
        if (!same(lower, back))
            select_color(text, 48, lower);
        front = upper;
        back = lower;
        rv_text_add(text, "\xe2\x96\x80"); /* U+2580, upper half block */
    }
    rv_text_add(text, "\033[0m\n");
}

/* Rec. 709 brightness, 0..255. */
static int brightness(color c)
{
    return c.red < 0 ? 0 : (2126 * c.red + 7152 * c.green + 722 * c.blue) / 10000;
}

static void add_ascii_line(rv_text *text, const rv_image *image, int factor, int line, int columns)
{
    static const char ramp[] = " .:-=+*#%@";
    for (int column = 0; column < columns; column++) {
        int upper = brightness(mean_color(image, factor, 2 * line, column));
        int lower = brightness(mean_color(image, factor, 2 * line + 1, column));
        rv_text_add_bytes(text, &ramp[(upper + lower) * 9 / 510], 1);
    }
    rv_text_add(text, "\n");
}

char *rv_terminal_preview(rv_context *context, const rv_image *image, int columns,
                          rv_terminal_style style)
{
    if (!image) {
        rv_viz_missing(context, "image");
        return NULL;
    }
    int wanted = columns > 0 ? columns : 80;
    int factor = (image->width - 1) / wanted + 1;
    int across = (image->width - 1) / factor + 1, down = (image->height - 1) / factor + 1;
    rv_text text = {0};
    for (int line = 0; line < (down + 1) / 2; line++) {
        if (style == RV_TERMINAL_COLOR)
            add_color_line(&text, image, factor, line, across);
        else
            add_ascii_line(&text, image, factor, line, across);
    }
    return rv_text_finish(&text, context);
}
