/* Ten colours that are distinct for readers with any kind of colour vision: the ten-colour sequence
 * of Petroff 2021, "Accessible color sequences for data visualization" (arXiv:2107.02270). */
#include "viz/chart/chart.h"

static const unsigned colors[10] = {0x3f90da, 0xffa90e, 0xbd1f01, 0x94a4a2, 0x832db6,
                                    0xa96b59, 0xe76300, 0xb9ac70, 0x717581, 0x92dadd};

void rv_palette_select(cairo_t *cairo, int color, double opacity)
{
    unsigned hex = colors[(unsigned)color % 10];
    cairo_set_source_rgba(cairo, (hex >> 16) / 255.0, (hex >> 8 & 255) / 255.0, (hex & 255) / 255.0,
                          opacity);
}
