/* The shapes of the built-in digits: for each class, one or more ways to write it. */
#ifndef DATA_DIGIT_STROKES_H
#define DATA_DIGIT_STROKES_H

#include <stdint.h>

/* The line after a control point. */
typedef enum rv_pen {
    RV_PEN_CURVE,  /* smoothly: the point lies inside a curve */
    RV_PEN_CORNER, /* the direction may change here */
    RV_PEN_UP      /* the stroke ends here; the next point begins another one */
} rv_pen;

/* x goes right and y down; the digit fills about [0,1] x [0,1], and is scaled later. */
typedef struct rv_pen_point {
    float x, y;
    rv_pen pen;
} rv_pen_point;

enum { RV_GLYPH_POINTS_MOST = 20 };

typedef struct rv_glyph {
    const rv_pen_point *point;
    int count;     /* at most RV_GLYPH_POINTS_MOST */
    double share;  /* share of the writers of this digit; the shares add up to 1 */
    double slant;  /* added to the writer's own slant */
    double narrow; /* width is multiplied by this: a 1 is no wider than its pen */
} rv_glyph;

/* The way to write `digit` (0 .. 9) chosen by `u` in (0, 1).  Static. */
const rv_glyph *rv_digit_glyph(int digit, double u);

#endif
