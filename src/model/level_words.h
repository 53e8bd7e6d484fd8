/* The words of nets with several levels of latents: `latent N` ends a part. */
#ifndef MODEL_LEVEL_WORDS_H
#define MODEL_LEVEL_WORDS_H

#include "reverie/model.h"

/* `latent 50` gives 50, another word 0. */
int64_t level_width(const char *word);
/* Writes the widths after `latent`, as many as fit; returns their number. */
int level_widths(rv_words words, int64_t width[RV_LEVELS_MOST]);
/* Checks that the encoder ends in a `latent`, and that the decoder has the same ones except the
 * last, in reverse order. */
rv_status level_check(const rv_model *model, rv_words encoder, rv_words decoder);
/* The next part of the words: those before the next `latent`, which is skipped. */
rv_words level_part(rv_words words, int *at);

#endif
