/* Animated GIFs, read back with giflib: every frame, its delay, and the loop; nothing is left of a
 * file that could not be written. */
#include "viz_fixture.h"

#include <gif_lib.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>

enum { HEIGHT = 7, WIDTH = 300, FRAMES = 3 };

/* Gray: every level occurs. */
static uint8_t gray_at(int frame, int y, int x)
{
    return (uint8_t)(x + 31 * y + 7 * frame);
}

static void make_gray(int frame, uint8_t *pixels)
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            pixels[y * WIDTH + x] = gray_at(frame, y, x);
}

/* Four colours, which a palette holds exactly. */
static void make_colored(int frame, uint8_t *pixels)
{
    static const uint8_t colors[4][3] = {{255, 255, 255}, {200, 10, 3}, {0, 0, 0}, {17, 99, 251}};
    for (int i = 0; i < HEIGHT * WIDTH; i++)
        memcpy(pixels + 3 * i, colors[(i / 5 + frame) % 4], 3);
}

static void write_gif(fixture *f, const char *path, int channels, void (*make)(int, uint8_t *))
{
    static uint8_t pixels[HEIGHT * WIDTH * 3];
    rv_gif *gif;
    rv_gif_config config = {HEIGHT, WIDTH, channels, 80};
    rv_gif_open(f->context, path, &config, &gif);
    check_ok(f->context);
    for (int i = 0; i < FRAMES; i++) {
        make(i, pixels);
        rv_gif_add(gif, pixels);
    }
    rv_gif_commit(gif);
    check_ok(f->context);
}

static void check_frames(const char *path, int channels, void (*make)(int, uint8_t *))
{
    static uint8_t pixels[HEIGHT * WIDTH * 3];
    int error = 0;
    GifFileType *gif = DGifOpenFileName(path, &error);
    if (!gif || DGifSlurp(gif) != GIF_OK)
        fail_msg("%s: giflib does not read it (%d)", path, error);
    assert_int_equal(gif->ImageCount, FRAMES);
    assert_int_equal(gif->SHeight, HEIGHT);
    assert_int_equal(gif->SWidth, WIDTH);
    for (int i = 0; i < FRAMES; i++) {
        const SavedImage *frame = &gif->SavedImages[i];
        const ColorMapObject *map =
            frame->ImageDesc.ColorMap ? frame->ImageDesc.ColorMap : gif->SColorMap;
        GraphicsControlBlock control;
        assert_int_equal(DGifSavedExtensionToGCB(gif, i, &control), GIF_OK);
        assert_int_equal(control.DelayTime, 8);
        make(i, pixels);
        for (int j = 0; j < HEIGHT * WIDTH; j++) {
            const GifColorType *is = &map->Colors[frame->RasterBits[j]];
            const uint8_t *wants = pixels + j * channels;
            if (is->Red != wants[0] || is->Green != wants[channels == 3 ? 1 : 0] ||
                is->Blue != wants[channels == 3 ? 2 : 0])
                fail_msg("frame %d, pixel %d: %d %d %d, not %d ...", i, j, is->Red, is->Green,
                         is->Blue, wants[0]);
        }
    }
    DGifCloseFile(gif, &error);
}

static void gray_frames_are_kept_exactly(void **state)
{
    fixture *f = *state;
    const char *path = path_in(f, "gray.gif");
    write_gif(f, path, 1, make_gray);
    check_frames(path, 1, make_gray);
}

static void few_colors_are_kept_exactly(void **state)
{
    fixture *f = *state;
    const char *path = path_in(f, "colored.gif");
    write_gif(f, path, 3, make_colored);
    check_frames(path, 3, make_colored);
}

static void the_animation_repeats(void **state)
{
    fixture *f = *state;
    uint8_t *bytes;
    size_t count;
    const char *path = path_in(f, "loop.gif");
    write_gif(f, path, 1, make_gray);
    assert_int_equal(rv_file_read(f->context, path, 1 << 20, &bytes, &count), RV_OK);
    assert_memory_equal(bytes, "GIF89a", 6);
    static const char loop[] = "\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00";
    assert_non_null(memmem(bytes, count, loop, sizeof loop)); /* with the terminator's 0 */
    rv_io_free(bytes);
}

static void check_refused(fixture *f, const rv_gif_config *config, const char *part)
{
    rv_gif *gif = NULL;
    rv_status status = rv_gif_open(f->context, path_in(f, "bad.gif"), config, &gif);
    if (status != RV_BAD_USAGE || !strstr(rv_error_message(f->context), part))
        fail_msg("status %d, \"%s\", not \"%s\"", status, rv_error_message(f->context), part);
    assert_null(gif);
    rv_error_clear(f->context);
    assert_int_equal(count_files(f, 0), 0);
}

static void bad_sizes_and_delays_are_refused(void **state)
{
    fixture *f = *state;
    check_refused(f, &(rv_gif_config){0, 5, 1, 80}, "0 x 5 pixels");
    check_refused(f, &(rv_gif_config){5, 65536, 1, 80}, "65536 pixels");
    check_refused(f, &(rv_gif_config){5, 5, 2, 80}, "2 channels");
    check_refused(f, &(rv_gif_config){5, 5, 1, -1}, "delay of -1");
    check_refused(f, &(rv_gif_config){5, 5, 1, 655351}, "delay of 655351");
}

static void an_abandoned_animation_leaves_nothing(void **state)
{
    fixture *f = *state;
    static uint8_t pixels[HEIGHT * WIDTH];
    rv_gif *gif;
    rv_gif_config config = {HEIGHT, WIDTH, 1, 80};
    rv_gif_open(f->context, path_in(f, "given-up.gif"), &config, &gif);
    rv_gif_add(gif, pixels);
    rv_gif_abandon(gif);
    rv_gif_abandon(NULL);
    check_ok(f->context);
    assert_int_equal(count_files(f, 0), 0);
}

/* A file that may not grow beyond 1000 bytes stands for a full disk. */
static void a_failed_write_keeps_the_old_file(void **state)
{
    fixture *f = *state;
    static uint8_t pixels[HEIGHT * WIDTH];
    const char *path = path_in(f, "full.gif");
    struct rlimit whole, small;
    rv_gif *gif;
    rv_gif_config config = {HEIGHT, WIDTH, 1, 80};
    rv_file_write(f->context, path, "old", 3);
    getrlimit(RLIMIT_FSIZE, &whole);
    small = whole;
    small.rlim_cur = 1000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    rv_gif_open(f->context, path, &config, &gif);
    rv_status added = RV_OK;
    for (int i = 0; i < 20 && added == RV_OK; i++) {
        make_gray(i, pixels);
        added = rv_gif_add(gif, pixels);
    }
    rv_status status = rv_gif_commit(gif);
    setrlimit(RLIMIT_FSIZE, &whole);
    assert_int_equal(added, RV_IO_ERROR);
    assert_int_equal(status, RV_IO_ERROR);
    if (!strstr(rv_error_message(f->context), "full.gif"))
        fail_msg("no file named in \"%s\"", rv_error_message(f->context));
    rv_error_clear(f->context);
    uint8_t *bytes;
    size_t count;
    assert_int_equal(rv_file_read(f->context, path, 100, &bytes, &count), RV_OK);
    assert_int_equal(count, 3);
    rv_io_free(bytes);
    assert_int_equal(count_files(f, 0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gray_frames_are_kept_exactly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(few_colors_are_kept_exactly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_animation_repeats, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_sizes_and_delays_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_abandoned_animation_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_write_keeps_the_old_file, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
