/* Animated GIF through giflib.  Grey pictures have one palette of 256 levels and lose nothing;
 * coloured ones have a palette for each picture, made by giflib's quantiser (Heckbert's median
 * cut), whose colours are then replaced by the means of their pixels.
 *
 * giflib leaks its state when a write fails at the end, so the durable writer keeps a failed write,
 * and giflib gets success. */
#include "core/memory.h"
#include "reverie/io.h"

#include <gif_lib.h>
#include <string.h>

enum { COLORS = 256, SIDE_MOST = 65535, DELAY_MOST = 655350, MILLISECONDS = 10 /* in a tick */ };

struct rv_gif {
    rv_context *context;
    rv_gif_config config;
    rv_writer *writer;
    rv_status status;
    GifFileType *file;
    ColorMapObject *palette; /* of a coloured picture; NULL when grey */
    uint8_t *index;          /* [height,width] indices into the palette */
    uint8_t *plane[3];       /* red, green, blue [height,width]; when coloured */
};

static int put_bytes(GifFileType *file, const GifByteType *bytes, int count)
{
    rv_gif *gif = file->UserData;
    if (gif->status == RV_OK)
        gif->status = rv_writer_append(gif->writer, bytes, (size_t)count);
    return count;
}

/* An error of giflib itself; a lack of memory is the likely cause. */
static rv_status check(rv_gif *gif, int result)
{
    if (result == GIF_OK || gif->status != RV_OK)
        return gif->status;
    const char *reason = GifErrorString(gif->file->Error);
    gif->status = rv_fail(gif->context, RV_NO_MEMORY, "an animated GIF cannot be made: %s",
                          reason ? reason : "no reason given");
    return gif->status;
}

/* ---- the beginning ---- */

static ColorMapObject *gray_palette(void)
{
    ColorMapObject *palette = GifMakeMapObject(COLORS, NULL);
    for (int i = 0; palette && i < COLORS; i++) {
        GifByteType level = (GifByteType)i;
        palette->Colors[i] = (GifColorType){level, level, level};
    }
    return palette;
}

/* Netscape's extension: the number of repetitions, 0 for endless. */
static rv_status put_loop(rv_gif *gif)
{
    static const char name[] = "NETSCAPE2.0";
    static const unsigned char for_ever[3] = {1, 0, 0};
    check(gif, EGifPutExtensionLeader(gif->file, APPLICATION_EXT_FUNC_CODE));
    check(gif, EGifPutExtensionBlock(gif->file, (int)strlen(name), name));
    check(gif, EGifPutExtensionBlock(gif->file, sizeof for_ever, for_ever));
    return check(gif, EGifPutExtensionTrailer(gif->file));
}

static rv_status begin(rv_gif *gif)
{
    int error = 0;
    gif->file = EGifOpen(gif, put_bytes, &error);
    ColorMapObject *palette = gif->config.channels == 1 ? gray_palette() : NULL;
    if (gif->config.channels == 3)
        gif->palette = GifMakeMapObject(COLORS, NULL);
    if (!gif->file || !(palette || gif->palette)) {
        GifFreeMapObject(palette);
        return rv_fail_memory(gif->context);
    }
    EGifSetGifVersion(gif->file, true);
    check(gif, EGifPutScreenDesc(gif->file, gif->config.width, gif->config.height, 8, 0, palette));
    GifFreeMapObject(palette);
    return put_loop(gif);
}

static rv_status make_buffers(rv_gif *gif)
{
    size_t pixels = (size_t)gif->config.height * (size_t)gif->config.width;
    int ok = (gif->index = rv_malloc(pixels)) != NULL;
    for (int c = 0; ok && gif->config.channels == 3 && c < 3; c++)
        ok = (gif->plane[c] = rv_malloc(pixels)) != NULL;
    return ok ? RV_OK : rv_fail_memory(gif->context);
}

static rv_status check_config(rv_context *context, const rv_gif_config *config)
{
    if (config->height < 1 || config->width < 1 || config->height > SIDE_MOST ||
        config->width > SIDE_MOST || (config->channels != 1 && config->channels != 3))
        return rv_fail(
            context, RV_BAD_USAGE,
            "a GIF of %d x %d pixels with %d channels cannot be made: at most %d a side, "
            "1 channel or 3",
            config->height, config->width, config->channels, SIDE_MOST);
    if (config->delay < 0 || config->delay > DELAY_MOST)
        return rv_fail(context, RV_BAD_USAGE,
                       "a delay of %d milliseconds: a GIF takes 0 to %d, in steps of %d",
                       config->delay, DELAY_MOST, MILLISECONDS);
    return RV_OK;
}

rv_status rv_gif_open(rv_context *context, const char *path, const rv_gif_config *config,
                      rv_gif **out)
{
    *out = NULL;
    rv_status status = check_config(context, config);
    if (status != RV_OK)
        return status;
    rv_gif *gif = rv_calloc(1, sizeof *gif);
    if (!gif)
        return rv_fail_memory(context);
    gif->context = context;
    gif->config = *config;
    status = make_buffers(gif);
    if (status == RV_OK)
        status = rv_writer_open(context, path, &gif->writer);
    if (status == RV_OK)
        status = begin(gif);
    if (status != RV_OK) {
        rv_gif_abandon(gif);
        return status;
    }
    *out = gif;
    return RV_OK;
}

/* ---- pictures ---- */

/* Replaces each colour of the palette by the mean of its pixels. */
static void average_palette(rv_gif *gif, size_t pixels)
{
    uint64_t sum[COLORS][3] = {0}, count[COLORS] = {0};
    for (size_t i = 0; i < pixels; i++) {
        int at = gif->index[i];
        count[at]++;
        for (int c = 0; c < 3; c++)
            sum[at][c] += gif->plane[c][i];
    }
    for (int i = 0; i < COLORS; i++) {
        uint64_t n = count[i] > 0 ? count[i] : 1;
        gif->palette->Colors[i] = (GifColorType){(GifByteType)((sum[i][0] + n / 2) / n),
                                                 (GifByteType)((sum[i][1] + n / 2) / n),
                                                 (GifByteType)((sum[i][2] + n / 2) / n)};
    }
}

static rv_status quantise(rv_gif *gif, const uint8_t *pixels)
{
    int colors = COLORS;
    unsigned width = (unsigned)gif->config.width, height = (unsigned)gif->config.height;
    size_t count = (size_t)width * height;
    for (size_t i = 0; i < count; i++)
        for (int c = 0; c < 3; c++)
            gif->plane[c][i] = pixels[3 * i + (size_t)c];
    if (GifQuantizeBuffer(width, height, &colors, gif->plane[0], gif->plane[1], gif->plane[2],
                          gif->index, gif->palette->Colors) != GIF_OK)
        return gif->status = rv_fail_memory(gif->context);
    average_palette(gif, count);
    return RV_OK;
}

rv_status rv_gif_add(rv_gif *gif, const uint8_t *pixels)
{
    const rv_gif_config *config = &gif->config;
    size_t width = (size_t)config->width;
    GifByteType block[4];
    GraphicsControlBlock control = {DISPOSE_DO_NOT, false, config->delay / MILLISECONDS,
                                    NO_TRANSPARENT_COLOR};
    if (gif->status != RV_OK)
        return gif->status;
    if (config->channels == 3 && quantise(gif, pixels) != RV_OK)
        return gif->status;
    if (config->channels == 1)
        memcpy(gif->index, pixels, width * (size_t)config->height);
    int bytes = (int)EGifGCBToExtension(&control, block);
    check(gif, EGifPutExtension(gif->file, GRAPHICS_EXT_FUNC_CODE, bytes, block));
    check(gif,
          EGifPutImageDesc(gif->file, 0, 0, config->width, config->height, false, gif->palette));
    for (int y = 0; gif->status == RV_OK && y < config->height; y++)
        check(gif, EGifPutLine(gif->file, gif->index + (size_t)y * width, config->width));
    return gif->status;
}

void rv_gif_delay(rv_gif *gif, int delay)
{
    gif->config.delay = delay;
}

/* ---- the end ---- */

/* Frees all but the writer. */
static void release(rv_gif *gif)
{
    int error;
    if (gif->file)
        EGifCloseFile(gif->file, &error);
    GifFreeMapObject(gif->palette);
    for (int c = 0; c < 3; c++)
        rv_free(gif->plane[c]);
    rv_free(gif->index);
    gif->file = NULL;
}

rv_status rv_gif_commit(rv_gif *gif)
{
    release(gif); /* writes the last byte */
    rv_status status = gif->status;
    if (status == RV_OK)
        status = rv_writer_commit(gif->writer);
    else
        rv_writer_abandon(gif->writer);
    rv_free(gif);
    return status;
}

void rv_gif_abandon(rv_gif *gif)
{
    if (!gif)
        return;
    release(gif);
    rv_writer_abandon(gif->writer);
    rv_free(gif);
}
