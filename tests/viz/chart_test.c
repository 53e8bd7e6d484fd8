/* Charts: what is drawn where, gaps, single points, bad input, and the same bytes every time. */
#include "viz/chart/chart.h"
#include "viz_fixture.h"

/* Whether a pixel of the line colour (the palette's first, a blue) lies within `reach` pixels of
 * the place, which is given in units of the chart. */
static int is_blue_near(const rv_image *image, double scale, double x, double y, int reach)
{
    int row = (int)(y * scale), column = (int)(x * scale);
    for (int r = row - reach; r <= row + reach; r++) {
        for (int c = column - reach; c <= column + reach; c++) {
            if (r < 0 || c < 0 || r >= image->height || c >= image->width)
                continue;
            const unsigned char *pixel =
                image->pixels + ((size_t)r * (size_t)image->width + (size_t)c) * 3;
            if (pixel[2] > 150 && pixel[0] < 120)
                return 1;
        }
    }
    return 0;
}

/* The layout that the chart's image has. */
static void find_layout(const rv_chart *chart, rv_chart_layout *layout)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1);
    cairo_t *cairo = cairo_create(surface);
    assert_int_equal(rv_chart_layout_make(chart, cairo, layout), RV_OK);
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
}

static void check_blue(rv_chart *chart, double x, double y, int expected)
{
    rv_chart_layout layout;
    find_layout(chart, &layout);
    rv_image *image = rv_chart_image(chart);
    assert_non_null(image);
    int got = is_blue_near(image, chart->config.scale, rv_chart_layout_x(&layout, x),
                           rv_chart_layout_y(&layout, y), 3);
    if (got != expected)
        fail_msg("at (%g, %g): line %d, expected %d", x, y, got, expected);
    rv_image_free(image);
    rv_chart_layout_free(&layout);
}

static void lines_have_gaps_where_values_are_missing(void **state)
{
    fixture *f = *state;
    rv_chart *chart = rv_chart_new(f->context, NULL);
    const double y[] = {1, 2, 3, (double)NAN, 3, INFINITY, 2, 1};
    rv_chart_line(chart, "loss", NULL, y, 8);
    check_ok(f->context);
    check_blue(chart, 1.5, 1.5, 1);
    check_blue(chart, 2.5, 2.5, 1);
    check_blue(chart, 3.5, 3, 0);
    check_blue(chart, 5, 3, 1); /* alone between two gaps: a dot */
    check_blue(chart, 6, 2.5, 0);
    check_blue(chart, 7.5, 1.5, 1);
    rv_chart_free(chart);
}

static void single_points_and_constants_are_shown(void **state)
{
    fixture *f = *state;
    const double y[] = {3.5, 3.5, 3.5};
    rv_chart *chart = rv_chart_new(f->context, NULL);
    rv_chart_line(chart, NULL, NULL, y, 1);
    check_blue(chart, 1, 3.5, 1);
    rv_chart_free(chart);
    chart = rv_chart_new(f->context, NULL);
    rv_chart_line(chart, NULL, NULL, y, 3);
    check_blue(chart, 1.5, 3.5, 1);
    check_blue(chart, 2, 3.4, 0);
    rv_chart_free(chart);
}

static void logarithmic_charts_leave_out_what_has_no_logarithm(void **state)
{
    fixture *f = *state;
    rv_chart_config config = rv_chart_defaults();
    config.log_x = config.log_y = 1;
    rv_chart *chart = rv_chart_new(f->context, &config);
    const double x[] = {0, 1, 10, 100, 1000}, y[] = {1, 1, 10, -5, 1000};
    rv_chart_line(chart, NULL, x, y, 5);
    check_blue(chart, sqrt(10), sqrt(10), 1); /* straight on these axes */
    check_blue(chart, 100, 100, 0);
    check_blue(chart, 1000, 1000, 1);
    rv_chart_free(chart);
}

static void smoothing_draws_the_centred_mean(void **state)
{
    fixture *f = *state;
    rv_chart_config config = rv_chart_defaults();
    config.smooth = 3;
    rv_chart *chart = rv_chart_new(f->context, &config);
    const double y[] = {0, 6, 0, (double)NAN, 6, 3};
    rv_chart_line(chart, "noisy", NULL, y, 6);
    const double expected[] = {3, 2, 3, (double)NAN, 4.5, 4.5};
    for (int i = 0; i < 6; i++) {
        if (i == 3)
            assert_true(isnan(chart->first->smooth[i]));
        else
            check_near(chart->first->smooth[i], expected[i], 1e-12, "mean of three");
    }
    check_blue(chart, 1.5, 2.5, 1);
    rv_chart_free(chart);
}

/* Every kind of series in one chart; `shift` makes charts differ. */
static rv_chart *full_chart(fixture *f, double shift)
{
    rv_chart_config config = rv_chart_defaults();
    config.title = "Everything";
    config.x_label = "x";
    config.y_label = "y (nats)";
    rv_chart *chart = rv_chart_new(f->context, &config);
    const double y[] = {1, 2 + shift, (double)NAN, 1}, edges[] = {1, 2, 3}, heights[] = {1, 0.5};
    const float points[] = {1, 1, 2, 2, 3, 1, NAN, 1}, values[] = {1, 2, 2, 3, 3, 3, INFINITY};
    const int32_t classes[] = {0, 1, 2, 1};
    rv_chart_line(chart, "line", NULL, y, 4);
    rv_scatter scatter = rv_scatter_defaults();
    scatter.points = points;
    scatter.classes = classes;
    scatter.count = 4;
    rv_chart_scatter(chart, &scatter);
    rv_chart_bars(chart, "bars", edges, heights, 2);
    rv_chart_histogram(chart, "histogram", values, 7, 0);
    check_ok(f->context);
    return chart;
}

static void charts_give_the_same_bytes_again(void **state)
{
    fixture *f = *state;
    char *svg[2];
    rv_image *image[2];
    for (int i = 0; i < 2; i++) {
        rv_chart *chart = full_chart(f, 0), *other = full_chart(f, 1);
        svg[i] = rv_chart_svg(chart);
        image[i] = rv_chart_image(chart);
        char *different = rv_chart_svg(other); /* something else is drawn in between */
        assert_non_null(different);
        assert_string_not_equal(different, svg[i]);
        rv_viz_text_free(different);
        rv_chart_free(chart);
        rv_chart_free(other);
    }
    assert_string_equal(svg[0], svg[1]);
    assert_int_equal(image[0]->width, 1120);
    assert_int_equal(image[0]->height, 720);
    assert_memory_equal(image[0]->pixels, image[1]->pixels, 1120 * 720 * 3);
    assert_non_null(strstr(svg[0], "viewBox=\"0 0 560 360\""));
    assert_non_null(strstr(svg[0], "</svg>"));
    for (int i = 0; i < 2; i++) {
        rv_viz_text_free(svg[i]);
        rv_image_free(image[i]);
    }
}

static void files_hold_what_memory_holds(void **state)
{
    fixture *f = *state;
    rv_chart *chart = full_chart(f, 0);
    rv_chart_save(chart, path_in(f, "chart.svg"));
    uint8_t *bytes = NULL;
    size_t count = 0;
    rv_file_read(f->context, path_in(f, "chart.svg"), 1 << 24, &bytes, &count);
    check_ok(f->context);
    char *svg = rv_chart_svg(chart);
    assert_int_equal(count, strlen(svg));
    assert_memory_equal(bytes, svg, count);
    rv_viz_text_free(svg);
    rv_io_free(bytes);
    rv_pixels8 pixels = {0};
    rv_chart_save(chart, path_in(f, "chart.png"));
    rv_png_load(f->context, path_in(f, "chart.png"), &pixels);
    rv_image *image = rv_chart_image(chart);
    check_ok(f->context);
    assert_int_equal(pixels.width, image->width);
    assert_memory_equal(pixels.bytes, image->pixels, (size_t)image->width * image->height * 3);
    rv_image_free(image);
    rv_io_free(pixels.bytes);
    rv_chart_free(chart);
}

static void charts_without_data_are_drawn(void **state)
{
    fixture *f = *state;
    const double nothing[] = {(double)NAN, INFINITY, 1e300};
    const float nothing_floats[] = {NAN, NAN};
    for (int kind = 0; kind < 4; kind++) {
        rv_chart_config config = rv_chart_defaults();
        config.log_x = config.log_y = kind == 1;
        rv_chart *chart = rv_chart_new(f->context, &config);
        if (kind == 1)
            rv_chart_line(chart, "nothing", NULL, nothing, 3);
        if (kind == 2)
            rv_chart_histogram(chart, "nothing", nothing_floats, 2, 0);
        if (kind == 3)
            rv_chart_line(chart, "empty", NULL, NULL, 0);
        rv_chart_layout layout;
        find_layout(chart, &layout);
        assert_false(layout.has_data);
        rv_chart_layout_free(&layout);
        char *svg = rv_chart_svg(chart);
        check_ok(f->context);
        rv_viz_text_free(svg);
        rv_chart_free(chart);
    }
}

static void strange_sizes_and_texts_are_drawn(void **state)
{
    fixture *f = *state;
    rv_chart_config config = rv_chart_defaults();
    config.title = "not UTF-8: \xff\xc3; \xed\xa0\x80 \xf0\x9f\x99\x82 end \xe2\x82";
    config.width = 160;
    config.height = 120;
    config.square = 1;
    rv_chart *chart = rv_chart_new(f->context, &config);
    const double x[] = {1, 2}, y[] = {-1e149, 1e149};
    char name[40];
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "a rather long name %d", i);
        rv_chart_line(chart, name, x, y, 2);
    }
    rv_image *image = rv_chart_image(chart);
    check_ok(f->context);
    assert_string_equal(chart->config.title, "not UTF-8: ??; ??? \xf0\x9f\x99\x82 end ??");
    rv_image_free(image);
    rv_chart_free(chart);
}

static void equal_units_are_equal(void **state)
{
    fixture *f = *state;
    rv_chart_config config = rv_chart_defaults();
    config.square = 1;
    rv_chart *chart = rv_chart_new(f->context, &config);
    const float points[] = {-2, -2, 2, 2, 0, 5};
    rv_scatter scatter = {points, NULL, 3, NULL, 0, 0, 0};
    rv_chart_scatter(chart, &scatter);
    rv_chart_layout layout;
    find_layout(chart, &layout);
    check_near(rv_chart_layout_x(&layout, 1) - rv_chart_layout_x(&layout, 0),
               rv_chart_layout_y(&layout, 0) - rv_chart_layout_y(&layout, 1), 1e-9, "one unit");
    rv_chart_layout_free(&layout);
    check_blue(chart, 0, 5, 1);
    rv_chart_free(chart);
}

/* Digits 1 and 3 of four: the legend names no other. */
static void classes_without_points_are_not_in_the_legend(void **state)
{
    fixture *f = *state;
    const float points[] = {0, 0, 1, 1, 2, 0};
    const int32_t classes[] = {3, 1, 3};
    rv_chart_layout layout;
    rv_chart *chart = rv_chart_new(f->context, NULL);
    rv_scatter scatter = rv_scatter_defaults();
    scatter.points = points;
    scatter.count = 3;
    scatter.classes = classes;
    scatter.class_count = 4;
    rv_chart_scatter(chart, &scatter);
    find_layout(chart, &layout);
    assert_int_equal(layout.legend_count, 2);
    assert_string_equal(layout.legend[0].name, "1");
    assert_string_equal(layout.legend[1].name, "3");
    rv_chart_layout_free(&layout);
    rv_chart_free(chart);
}

static void large_charts_stay_small_files(void **state)
{
    fixture *f = *state;
    enum { COUNT = 200000 };
    double *y = random_array(1, COUNT, 0, 1);
    rv_chart *chart = rv_chart_new(f->context, NULL);
    rv_chart_line(chart, "noise", NULL, y, COUNT);
    char *svg = rv_chart_svg(chart);
    check_ok(f->context);
    if (strlen(svg) > 250000)
        fail_msg("%zu bytes of SVG for a line of %d points", strlen(svg), COUNT);
    rv_viz_text_free(svg);
    rv_chart_free(chart);
    free(y);
}

static void chart_errors_are_clear(void **state)
{
    fixture *f = *state;
    rv_chart_config config = rv_chart_defaults();
    config.width = 10;
    assert_null(rv_chart_new(f->context, &config));
    check_error(f->context, RV_BAD_USAGE, "the chart's width is 10");
    rv_chart *chart = rv_chart_new(f->context, NULL);
    rv_chart_save(chart, path_in(f, "chart.pdf"));
    check_error(f->context, RV_BAD_USAGE, "chart.pdf: charts are saved as PNG or SVG");
    rv_chart_save(chart, path_in(f, "none/chart.svg"));
    check_error(f->context, RV_IO_ERROR, "none/chart.svg");
    assert_int_equal(count_files(f, 0), 0);
    const double edges[] = {0, 2, 1}, heights[] = {1, 1};
    rv_chart_bars(chart, NULL, edges, heights, 2);
    check_error(f->context, RV_BAD_USAGE, "edge 1 of the bars is 2 and the next 1");
    const float points[] = {0, 0};
    const int32_t classes[] = {10};
    rv_scatter scatter = {points, classes, 1, NULL, 10, 1, 0};
    rv_chart_scatter(chart, &scatter);
    check_error(f->context, RV_BAD_USAGE, "point 0 of a scatter has class 10; there are 10");
    rv_chart_histogram(chart, NULL, points, 2, -1);
    check_error(f->context, RV_BAD_USAGE, "number of bins is -1");
    assert_null(chart->first); /* nothing of these was kept */
    rv_chart_free(chart);
    assert_int_equal(rv_chart_line(NULL, NULL, NULL, heights, 2), RV_BAD_USAGE);
    assert_int_equal(rv_chart_save(NULL, "chart.png"), RV_BAD_USAGE);
    assert_null(rv_chart_svg(NULL));
    rv_chart_free(NULL);
}

static void histograms_count_every_finite_value(void **state)
{
    fixture *f = *state;
    rv_chart *chart = rv_chart_new(f->context, NULL);
    const float values[] = {0, 0.5f, 1, 1.5f, 2, NAN, 4, -INFINITY}, same[] = {3, 3, 3};
    rv_chart_histogram(chart, NULL, values, 8, 4);
    rv_chart_histogram(chart, NULL, same, 3, 1);
    check_ok(f->context);
    const double expected[] = {2, 2, 1, 1};
    for (int i = 0; i < 4; i++)
        check_near(chart->first->y[i], expected[i], 0, "height");
    check_near(chart->first->x[4], 4, 0, "last edge");
    const rv_series *second = chart->first->next;
    check_near(second->y[0], 3, 0, "height of equal values");
    check_near(second->x[0], 2.5, 0, "left of equal values");
    rv_chart_free(chart);
}

static void memory_running_out_is_survived(void **state)
{
    fixture *f = *state;
    int whole = 0;
    for (uint64_t after = 1; after < 80 && !whole; after++) {
        rv_memory_fail_after(after, 1);
        rv_chart_config config = rv_chart_defaults();
        config.title = "title";
        config.smooth = 2;
        rv_chart *chart = rv_chart_new(f->context, &config);
        const double y[] = {1, 2, 3};
        const float points[] = {1, 1};
        const int32_t classes[] = {0};
        rv_scatter scatter = {points, classes, 1, NULL, 2, 1, 0};
        rv_chart_line(chart, "line", NULL, y, 3);
        rv_chart_scatter(chart, &scatter);
        rv_chart_histogram(chart, "histogram", points, 2, 0);
        char *svg = rv_chart_svg(chart);
        rv_image *image = rv_chart_image(chart);
        rv_memory_fail_after(0, 0);
        whole = rv_error_status(f->context) == RV_OK;
        if (!whole)
            check_error(f->context, RV_NO_MEMORY, "memory");
        assert_int_equal(svg && image, whole);
        rv_viz_text_free(svg);
        rv_image_free(image);
        rv_chart_free(chart);
    }
    assert_true(whole); /* the sweep reached the end */
}

/* The colour of the pixel at a place of the plot, as 0xrrggbb. */
static unsigned color_at(const rv_chart *chart, const rv_image *image, double x, double y)
{
    rv_chart_layout layout;
    find_layout(chart, &layout);
    int row = (int)(rv_chart_layout_y(&layout, y) * chart->config.scale);
    int column = (int)(rv_chart_layout_x(&layout, x) * chart->config.scale);
    const unsigned char *p = image->pixels + 3 * ((size_t)row * (size_t)image->width + column);
    rv_chart_layout_free(&layout);
    return (unsigned)p[0] << 16 | (unsigned)p[1] << 8 | p[2];
}

static rv_chart *square_chart(fixture *f)
{
    rv_chart_config config = rv_chart_defaults();
    config.left = -2;
    config.low = 1;
    config.side = 4;
    return rv_chart_new(f->context, &config);
}

/* Its first row is at the top; white is 0, and what is no number. */
static void a_field_fills_its_square(void **state)
{
    fixture *f = *state;
    static const float values[] = {0, 1, (float)NAN, 0.5f};
    rv_chart *chart = square_chart(f);
    rv_chart_field(chart, values, 2);
    rv_image *image = rv_chart_image(chart);
    check_ok(f->context);
    assert_int_equal(color_at(chart, image, -1.9, 4.9), 0xffffff);
    assert_int_equal(color_at(chart, image, 1.9, 4.9), 0x091d44);
    assert_int_equal(color_at(chart, image, -1.9, 1.1), 0xffffff);
    assert_int_equal(color_at(chart, image, 1.9, 1.1), 0x3f90da);
    rv_image_free(image);
    rv_chart_free(chart);
}

/* The axes are the square, whatever the data; what is outside is not drawn, also just outside. */
static void a_square_has_its_own_limits(void **state)
{
    fixture *f = *state;
    rv_chart_layout layout;
    const double x[] = {-3, 3}, y[] = {2, 2};
    rv_chart *chart = square_chart(f);
    rv_chart_line(chart, NULL, x, y, 2);
    find_layout(chart, &layout);
    check_near(layout.plot.width, layout.plot.height, 0, "sides of the plot");
    check_near(layout.x.low + layout.y.low, -1, 0, "the lower corner");
    check_near(layout.x.high + layout.y.high, 7, 0, "the upper corner");
    rv_chart_layout_free(&layout);
    check_blue(chart, 1.9, 2, 1);
    check_blue(chart, 2.2, 2, 0);
    rv_chart_free(chart);
}

/* Two curves: nothing between the end of one and the start of the next, or at a missing point. */
static void a_mesh_has_separate_curves(void **state)
{
    fixture *f = *state;
    static const float points[] = {-1, 2, 0, 2, 1, 2, -1, 4, (float)NAN, 4, 1, 4};
    rv_chart *chart = square_chart(f);
    rv_chart_mesh(chart, points, 2, 3);
    rv_image *image = rv_chart_image(chart);
    check_ok(f->context);
    assert_true(color_at(chart, image, 0.55, 2) < 0xd00000);
    assert_int_equal(color_at(chart, image, 0.25, 2.75), 0xffffff); /* from (1,2) to (-1,4) */
    assert_true(color_at(chart, image, 0.55, 4) > 0xd00000);
    rv_image_free(image);
    rv_chart_free(chart);
}

static void a_sheet_has_charts_in_rows(void **state)
{
    fixture *f = *state;
    static const float values[] = {1};
    rv_chart *charts[3] = {square_chart(f), square_chart(f), square_chart(f)};
    rv_chart_field(charts[2], values, 1);
    rv_image *sheet = rv_charts_image(f->context, "three", charts, 3, 2);
    rv_image *alone = rv_chart_image(charts[2]);
    check_ok(f->context);
    assert_int_equal(sheet->width, 2 * alone->width);
    assert_int_equal(sheet->height, 2 * (alone->height + 28));
    for (int row = 0; row < alone->height; row++) { /* the third, below the first */
        size_t start = (size_t)(sheet->height - alone->height + row) * (size_t)sheet->width * 3;
        size_t length = (size_t)alone->width * 3;
        assert_memory_equal(sheet->pixels + start, alone->pixels + (size_t)row * length, length);
    }
    rv_image_free(alone);
    rv_image_free(sheet);
    rv_chart_free(charts[1]);
    charts[1] =
        rv_chart_new(f->context, &(rv_chart_config){.width = 200, .height = 200, .scale = 1});
    assert_null(rv_charts_image(f->context, NULL, charts, 3, 2));
    check_error(f->context, RV_BAD_USAGE, "not as large as the first");
    assert_int_equal(rv_chart_field(charts[1], values, 1), RV_BAD_USAGE);
    check_error(f->context, RV_BAD_USAGE, "needs a chart of a square");
    for (int i = 0; i < 3; i++)
        rv_chart_free(charts[i]);
    assert_null(rv_chart_new(
        f->context, &(rv_chart_config){
                        .width = 200, .height = 200, .scale = 1, .left = (double)NAN, .side = 1}));
    check_error(f->context, RV_BAD_USAGE, "cannot show a square");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_have_gaps_where_values_are_missing),
        TEST(single_points_and_constants_are_shown),
        TEST(logarithmic_charts_leave_out_what_has_no_logarithm),
        TEST(smoothing_draws_the_centred_mean),
        TEST(charts_give_the_same_bytes_again),
        TEST(files_hold_what_memory_holds),
        TEST(charts_without_data_are_drawn),
        TEST(strange_sizes_and_texts_are_drawn),
        TEST(equal_units_are_equal),
        TEST(classes_without_points_are_not_in_the_legend),
        TEST(large_charts_stay_small_files),
        TEST(chart_errors_are_clear),
        TEST(histograms_count_every_finite_value),
        TEST(memory_running_out_is_survived),
        TEST(a_field_fills_its_square),
        TEST(a_square_has_its_own_limits),
        TEST(a_mesh_has_separate_curves),
        TEST(a_sheet_has_charts_in_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
