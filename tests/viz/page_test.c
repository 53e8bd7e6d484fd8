/* The HTML report: escaping, tables, pictures, unique ids, nothing from outside. */
#include "viz/chart/chart.h"
#include "viz_fixture.h"

static void check_holds(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is missing in: %.3000s", part, text);
}

static void check_lacks(const char *text, const char *part)
{
    const char *found = strstr(text, part);
    if (found)
        fail_msg("\"%s\" should not be there: %.200s", part, found);
}

static int occurrences(const char *text, const char *part)
{
    int count = 0;
    for (const char *next = text; (next = strstr(next, part)) != NULL; next++)
        count++;
    return count;
}

static const char nasty[] = "<script>alert('x')</script> & \"quoted\" \x01\x7f end";
static const char escaped[] =
    "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;quoted&quot;  end";

static void every_text_is_escaped(void **state)
{
    fixture *f = *state;
    rv_page *page = rv_page_new(f->context, nasty);
    rv_page_heading(page, nasty);
    rv_page_text(page, nasty);
    rv_page_code(page, nasty);
    const char *columns[] = {nasty}, *cells[] = {nasty};
    rv_table table = {nasty, columns, 1, cells, 1};
    rv_page_table(page, &table);
    rv_image *image = rv_image_new(f->context, 1, 1, 1);
    rv_page_image(page, image, nasty, 0);
    rv_page_svg(page, "<svg></svg>", nasty);
    char *html = rv_page_html(page);
    check_ok(f->context);
    check_lacks(html, "<script");
    check_lacks(html, "\x01");
    check_lacks(html, "\x7f");
    assert_int_equal(occurrences(html, escaped), 12); /* title twice, captions of figures twice */
    rv_viz_text_free(html);
    rv_image_free(image);
    rv_page_free(page);
}

static void parts_follow_in_order(void **state)
{
    fixture *f = *state;
    rv_page *page = rv_page_new(f->context, "run");
    rv_page_heading(page, "first");
    rv_page_text(page, "one\nline\n\n\ntwo");
    rv_page_svg(page, "<svg>a</svg>", NULL);
    rv_page_svg(page, "<svg>b</svg>", NULL);
    rv_page_heading(page, "second");
    rv_page_code(page, "a: 1\nb: 2\n");
    char *html = rv_page_html(page);
    check_ok(f->context);
    check_holds(html, "<h2>first</h2>\n<p>one\nline</p>\n<p>two</p>\n<div class=\"figures\">\n"
                      "<figure class=\"drawing\"><div><svg>a</svg></div></figure>\n"
                      "<figure class=\"drawing\"><div><svg>b</svg></div></figure>\n"
                      "</div>\n<h2>second</h2>\n<pre>a: 1\nb: 2\n</pre>\n</main>");
    rv_viz_text_free(html);
    rv_page_svg(page, "<svg>c</svg>", NULL); /* the page goes on, and an open row is closed */
    html = rv_page_html(page);
    check_holds(html, "<svg>c</svg></div></figure>\n</div>\n</main>");
    assert_int_equal(occurrences(html, "<div"), occurrences(html, "</div>"));
    rv_viz_text_free(html);
    rv_page_free(page);
}

static void numbers_stand_right(void **state)
{
    fixture *f = *state;
    rv_page *page = rv_page_new(f->context, "run");
    const char *columns[] = {"split", "elbo", "note"};
    const char *cells[] = {"test", "-103.5", "1 of 2", "train", NULL, "−3e-4%"};
    rv_table table = {NULL, columns, 3, cells, 2};
    rv_page_table(page, &table);
    char *html = rv_page_html(page);
    check_ok(f->context);
    check_holds(html, "<th>split</th><th class=\"n\">elbo</th><th>note</th>");
    check_holds(html, "<td>test</td><td class=\"n\">-103.5</td><td>1 of 2</td>");
    check_holds(html, "<td>train</td><td></td><td class=\"n\">−3e-4%</td>");
    rv_viz_text_free(html);
    table.column_count = 0;
    assert_int_equal(rv_page_table(page, &table), RV_BAD_USAGE);
    check_error(f->context, RV_BAD_USAGE, "a table of 0 columns");
    rv_page_free(page);
}

/* The value of a base64 digit. */
static int digit_value(char digit)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = digit ? strchr(digits, digit) : NULL;
    return found ? (int)(found - digits) : -1;
}

static void pictures_are_inside_the_page(void **state)
{
    fixture *f = *state;
    rv_page *page = rv_page_new(f->context, "run");
    rv_image *image = rv_image_new(f->context, 2, 3, 3);
    for (int i = 0; i < 18; i++)
        image->pixels[i] = (unsigned char)(i * 13);
    rv_page_image(page, image, "samples", 4);
    char *html = rv_page_html(page);
    check_ok(f->context);
    check_holds(html,
                "<img width=\"12\" height=\"8\" class=\"pixels\" alt=\"samples\" src=\"data:");
    const char *text = strstr(html, "base64,") + strlen("base64,");
    uint8_t bytes[4096];
    size_t count = 0;
    unsigned word = 0;
    for (int i = 0; digit_value(text[i]) >= 0; i++) {
        word = word << 6 | (unsigned)digit_value(text[i]);
        if (i % 4 > 0)
            bytes[count++] = (uint8_t)(word >> (6 - 2 * (i % 4)));
        assert_true(count < sizeof bytes);
    }
    rv_pixels8 pixels = {0};
    rv_png_parse(f->context, "the embedded picture", bytes, count, &pixels);
    check_ok(f->context);
    assert_int_equal(pixels.width, 3);
    assert_memory_equal(pixels.bytes, image->pixels, 18);
    rv_io_free(pixels.bytes);
    rv_viz_text_free(html);
    rv_image_free(image);
    rv_page_free(page);
}

/* Every id of the page is its own, and everything that refers to one finds it. */
static void check_ids(const char *html)
{
    int ids = 0;
    for (const char *next = html; (next = strstr(next, " id=\"")) != NULL; next++, ids++) {
        char quoted[60];
        size_t length = strcspn(next + 5, "\"") + 6;
        assert_true(length < sizeof quoted);
        memcpy(quoted, next, length);
        quoted[length] = '\0';
        if (occurrences(html, quoted) != 1)
            fail_msg("%s appears %d times", quoted, occurrences(html, quoted));
    }
    assert_true(ids > 10);
    for (const char *next = html; (next = strstr(next, "href=\"#")) != NULL; next++) {
        char id[60];
        snprintf(id, sizeof id, " id=\"%.*s\"", (int)strcspn(next + 7, "\""), next + 7);
        check_holds(html, id);
    }
}

static void charts_live_side_by_side(void **state)
{
    fixture *f = *state;
    rv_page *page = rv_page_new(f->context, "run");
    const double y[] = {1, 2, 3};
    for (int i = 0; i < 2; i++) {
        rv_chart_config config = rv_chart_defaults();
        config.title = i ? "Second" : "First";
        rv_chart *chart = rv_chart_new(f->context, &config);
        rv_chart_line(chart, "loss", NULL, y, 3);
        rv_page_chart(page, chart, config.title);
        rv_chart_free(chart);
    }
    char *html = rv_page_html(page);
    check_ok(f->context);
    check_ids(html);
    check_lacks(html, "<?xml");
    check_holds(html, "aria-label=\"Second\"");
    /* nothing is asked for from outside: the only addresses are the names of XML namespaces */
    assert_int_equal(occurrences(html, "http"),
                     occurrences(html, "=\"http://www.w3.org/") + occurrences(html, "http-equiv"));
    rv_viz_text_free(html);
    rv_page_free(page);
}

static void ids_are_renamed_in_order(void **state)
{
    fixture *f = *state;
    static const char svg[] = "<svg><g id=\"b\"/><use xlink:href=\"#c\"/><g id=\"c\" grid=\"b\"/>"
                              "<p clip-path=\"url(#b)\" fill=\"url(#never\"/></svg>";
    rv_text text = {0};
    assert_int_equal(rv_svg_rename_ids(f->context, &text, svg, "x"), RV_OK);
    char *renamed = rv_text_finish(&text, f->context);
    assert_string_equal(renamed,
                        "<svg><g id=\"x1\"/><use xlink:href=\"#x2\"/><g id=\"x2\" grid=\"b\"/>"
                        "<p clip-path=\"url(#x1)\" fill=\"url(#never\"/></svg>");
    rv_free(renamed);
}

static void pages_are_saved_whole(void **state)
{
    fixture *f = *state;
    rv_page *page = rv_page_new(f->context, "run");
    rv_page_text(page, "text");
    rv_page_save(page, path_in(f, "report.html"));
    uint8_t *bytes = NULL;
    size_t count = 0;
    rv_file_read(f->context, path_in(f, "report.html"), 1 << 20, &bytes, &count);
    char *html = rv_page_html(page);
    check_ok(f->context);
    assert_int_equal(count, strlen(html));
    assert_memory_equal(bytes, html, count);
    check_holds(html, "<!DOCTYPE html>");
    check_holds(html, "default-src 'none'");
    check_holds(html, "</html>\n");
    assert_int_equal(count_files(f, 1), 1);
    assert_int_equal(rv_page_save(page, path_in(f, "none/report.html")), RV_IO_ERROR);
    check_error(f->context, RV_IO_ERROR, "none/report.html");
    assert_int_equal(count_files(f, 0), 0);
    rv_viz_text_free(html);
    rv_io_free(bytes);
    rv_page_free(page);
}

static void missing_parts_are_errors(void **state)
{
    fixture *f = *state;
    rv_page *page = rv_page_new(f->context, "run");
    assert_int_equal(rv_page_image(page, NULL, "none", 1), RV_BAD_USAGE);
    check_error(f->context, RV_BAD_USAGE, "no image was given");
    assert_int_equal(rv_page_svg(page, "not a drawing", NULL), RV_BAD_USAGE);
    check_error(f->context, RV_BAD_USAGE, "no <svg> element");
    rv_fail(f->context, RV_NO_MEMORY, "the chart could not be made");
    assert_int_equal(rv_page_svg(page, NULL, NULL), RV_NO_MEMORY); /* the failure that led to it */
    rv_error_clear(f->context);
    char *html = rv_page_html(page);
    check_lacks(html, "<figure");
    rv_viz_text_free(html);
    rv_page_free(page);
    assert_int_equal(rv_page_text(NULL, "text"), RV_BAD_USAGE);
    assert_int_equal(rv_page_save(NULL, "page.html"), RV_BAD_USAGE);
    rv_page_free(NULL);
}

static void memory_running_out_is_survived(void **state)
{
    fixture *f = *state;
    int whole = 0;
    rv_image *image = rv_image_new(f->context, 4, 4, 1);
    for (uint64_t after = 1; after < 60 && !whole; after++) {
        rv_memory_fail_after(after, 1);
        rv_page *page = rv_page_new(f->context, "run");
        rv_page_heading(page, "heading");
        rv_page_text(page, "text");
        rv_page_image(page, image, "image", 2);
        rv_page_svg(page, "<svg><g id=\"a\"/></svg>", "drawing");
        char *html = rv_page_html(page);
        rv_memory_fail_after(0, 0);
        whole = rv_error_status(f->context) == RV_OK;
        if (!whole)
            check_error(f->context, RV_NO_MEMORY, "memory");
        assert_int_equal(html != NULL, whole);
        rv_viz_text_free(html);
        rv_page_free(page);
    }
    assert_true(whole);
    rv_image_free(image);
}

/* A page of sheets of 300 x 300 images took 41 MB. */
static void large_pictures_are_embedded_smaller(void **state)
{
    static const struct {
        int height, width;
        const char *tag;
    } cases[] = {{600, 600, "<img width=\"1200\" height=\"1200\" class=\"pixels\""},
                 {84, 1064, "<img width=\"2128\" height=\"168\" class=\"pixels\""},
                 {601, 600, "<img width=\"300\" height=\"301\" alt"},
                 {10, 1281, "<img width=\"641\" height=\"5\" alt"},
                 {2418, 2418, "<img width=\"484\" height=\"484\" alt"}};
    fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rv_page *page = rv_page_new(f->context, "run");
        rv_image *image = rv_image_new(f->context, cases[i].height, cases[i].width, 3);
        rv_page_image(page, image, "samples", 2);
        char *html = rv_page_html(page);
        check_ok(f->context);
        check_holds(html, cases[i].tag);
        rv_viz_text_free(html);
        rv_image_free(image);
        rv_page_free(page);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_text_is_escaped),
        TEST(parts_follow_in_order),
        TEST(numbers_stand_right),
        TEST(pictures_are_inside_the_page),
        TEST(large_pictures_are_embedded_smaller),
        TEST(charts_live_side_by_side),
        TEST(ids_are_renamed_in_order),
        TEST(pages_are_saved_whole),
        TEST(missing_parts_are_errors),
        TEST(memory_running_out_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
