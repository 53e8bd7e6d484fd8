/* The words of nets with several levels of latents: `latent N` ends a part. */
#ifndef MODEL_LEVEL_WORDS_H
#define MODEL_LEVEL_WORDS_H

#include "reverie/model.h"

/* `latent 50` gives 50, another word 0. */
int64_t level_width(const char *word);
/* The widths after `latent`, as many as there is room for; how many there are. */
int level_widths(rv_words words, int64_t width[RV_LEVELS_MOST]);
/* The encoder ends in a `latent`; the decoder has the same ones but the last, downwards. */
rv_status level_check(const rv_model *model, rv_words encoder, rv_words decoder);
/* The next part of the words: those up to a `latent`, which is passed over. */
rv_words level_part(rv_words words, int *at);

#endif
