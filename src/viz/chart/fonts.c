/* The fonts of charts, loaded once, and only while enough memory is free.
 *
 * fontconfig reads its configuration when the first text is measured; when that runs out of
 * memory it crashes or loops for ever; cairo omits strokes, or crashes.  Neither can be prevented
 * from outside.  So they are called only while far more memory is free than they need; the faces
 * are kept, and fontconfig is not called again. */
#include "core/memory.h"
#include "viz/chart/chart.h"

#include <pthread.h>

/* fontconfig takes some 2 MB, a drawing less. */
static const size_t reserve = (size_t)16 << 20;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static cairo_font_face_t *faces[2]; /* normal, bold; NULL: not loaded */

static int is_bold(rv_font font)
{
    return font == RV_FONT_TITLE;
}

void rv_font_select(cairo_t *cairo, rv_font font)
{
    static const double sizes[] = {11, 12, 15};
    if (faces[is_bold(font)])
        cairo_set_font_face(cairo, faces[is_bold(font)]);
    else
        cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                               is_bold(font) ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cairo, sizes[font]);
}

double rv_text_width(cairo_t *cairo, rv_font font, const char *text)
{
    cairo_text_extents_t extents;
    rv_font_select(cairo, font);
    cairo_text_extents(cairo, text, &extents);
    return extents.x_advance;
}

/* Measures a text in each; returns cairo's status. */
static cairo_status_t probe(void)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 8, 8);
    cairo_t *cairo = cairo_create(surface);
    rv_text_width(cairo, RV_FONT_LABEL, "0123456789");
    cairo_font_face_t *normal = cairo_font_face_reference(cairo_get_font_face(cairo));
    rv_text_width(cairo, RV_FONT_TITLE, "0123456789");
    cairo_font_face_t *bold = cairo_font_face_reference(cairo_get_font_face(cairo));
    cairo_status_t status = cairo_status(cairo);
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
    if (status != CAIRO_STATUS_SUCCESS) {
        cairo_font_face_destroy(normal);
        cairo_font_face_destroy(bold);
        return status;
    }
    faces[0] = normal;
    faces[1] = bold;
    return status;
}

static rv_status drawing_room(rv_context *context)
{
    void *room = rv_malloc(reserve);
    rv_free(room);
    return room ? RV_OK : rv_fail_memory(context);
}

rv_status rv_fonts_load(rv_context *context)
{
    pthread_mutex_lock(&lock);
    rv_status status = drawing_room(context);
    if (status == RV_OK && !faces[0])
        status = rv_cairo_status(context, probe());
    pthread_mutex_unlock(&lock);
    return status;
}
