/* An autoregressive net of images, applied a pixel at a time, for samplers.
 *
 * A layer that looks at other pixels remembers what came in at the p = (k-1)/2 rows above and at
 * the p cells at the left; all else is of one pixel.  For each row net_above gives what those
 * layers make of the rows above, for each pixel net_pixel gives the net's output and what the
 * layers have to remember.  Every value is computed once: an image costs one pass of arithmetic
 * (Ramachandran et al. 2017, "Fast Generation for Convolutional Autoregressive Models").  The
 * vertical stack of gated layers is all in net_above.
 *
 * Arrays have the columns before the images, [W,N,C], so that a pixel's values are contiguous. */
#ifndef NN_STREAM_H
#define NN_STREAM_H

#include "reverie/nn.h"

/* What one layer remembers. */
typedef struct net_memory {
    int64_t reach;    /* p, above 0 */
    int64_t left;     /* channels that come in at a pixel */
    int64_t rows;     /* channels of the rows above */
    int64_t sums;     /* channels of what it makes of those */
    int64_t vertical; /* channels of its vertical stack; 0: none */
    int from;         /* the rows above are the vertical stack of this memory; -1: what comes in */
} net_memory;

/* The width of the context of a net; 0: it has none. */
int64_t net_context_width(const rv_net *net);

/* How many memories a net has, in the order of its layers; fills out [that many] unless NULL. */
int net_memories(const rv_net *net, net_memory *out);

/* For one row, in evaluation mode: rows[i] [p,p+W,N,rows], the rows above, with p columns of zeros
 * before their first; context [N,C], of a map its row [W,N,C], or NULL of a net without.  Gives
 * sums[i] [W,N,sums] and vertical[i] [W,N,vertical], NULL where there is none. */
void net_above(const rv_net *net, const rv_expr *rows, rv_expr context, rv_expr *sums,
               rv_expr *vertical);

/* For one pixel, in evaluation mode: x [N,I]; context [N,C], of a map that of the pixel; left[i]
 * [p,N,left], the p cells before it, zeros outside; sums[i] [N,sums] of its column.  Returns the
 * net's output [N,O], which does not depend on x, and gives column[i] [N,left], what came in at the
 * pixel. */
rv_expr net_pixel(const rv_net *net, rv_expr x, rv_expr context, const rv_expr *left,
                  const rv_expr *sums, rv_expr *column);

#endif
