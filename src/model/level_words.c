/* Splits the words of encoders and decoders with several levels at `latent N`. */
#include "model/level_words.h"

#include <stdlib.h>
#include <string.h>

int64_t level_width(const char *word)
{
    const char *start = word + strspn(word, " ");
    char *end;
    if (strncmp(start, "latent ", strlen("latent ")) != 0)
        return 0;
    long long width = strtoll(start + strlen("latent "), &end, 10);
    return *end == '\0' && width > 0 && width <= 65536 ? width : 0;
}

int level_widths(rv_words words, int64_t width[RV_LEVELS_MOST])
{
    int count = 0;
    for (int i = 0; i < words.count; i++) {
        int64_t w = level_width(words.word[i]);
        if (w > 0 && count < RV_LEVELS_MOST)
            width[count] = w;
        count += w > 0;
    }
    return count;
}

rv_words level_part(rv_words words, int *at)
{
    rv_words part = {words.word + *at, 0};
    while (*at < words.count && level_width(words.word[*at]) == 0) {
        part.count++;
        (*at)++;
    }
    (*at)++;
    return part;
}

static rv_status fail_words(const rv_model *model, const char *what)
{
    return rv_fail(
        model->context, RV_BAD_USAGE,
        "%s, as in encoder='[linear 200, tanh, latent 100, linear 100, tanh, latent 50]' "
        "decoder='[linear 100, tanh, latent 100, linear 200, tanh]'",
        what);
}

/* `latent` with another N is no layer, but a slip. */
static rv_status check_widths(const rv_model *model, const char *net, rv_words words)
{
    for (int i = 0; i < words.count; i++) {
        const char *start = words.word[i] + strspn(words.word[i], " ");
        size_t length = strcspn(start, " :");
        if (length == strlen("latent") && strncmp(start, "latent", length) == 0 &&
            level_width(words.word[i]) == 0)
            return rv_fail(model->context, RV_BAD_USAGE,
                           "%s: `%.80s`: it is `latent N`, with N latents, 1 to 65536", net, start);
    }
    return RV_OK;
}

rv_status level_check(const rv_model *model, rv_words encoder, rv_words decoder)
{
    int64_t up[RV_LEVELS_MOST], down[RV_LEVELS_MOST];
    rv_status status = check_widths(model, "encoder", encoder);
    if (status == RV_OK)
        status = check_widths(model, "decoder", decoder);
    if (status != RV_OK)
        return status;
    int last = encoder.count - 1, levels = level_widths(encoder, up);
    if (last < 0 || level_width(encoder.word[last]) == 0)
        return fail_words(model, "encoder: its last word must be `latent N`, the last latents");
    if (levels > RV_LEVELS_MOST)
        return rv_fail(model->context, RV_BAD_USAGE, "encoder: %d words `latent`; at most %d",
                       levels, (int)RV_LEVELS_MOST);
    if (level_widths(decoder, down) != levels - 1)
        return fail_words(model, "decoder: it needs a `latent N` for each of the encoder's but the "
                                 "last, on which it begins");
    for (int i = 0; i < levels - 1; i++)
        if (down[i] != up[levels - 2 - i])
            return rv_fail(model->context, RV_BAD_USAGE,
                           "decoder: `latent %lld` where the encoder has `latent %lld`",
                           (long long)down[i], (long long)up[levels - 2 - i]);
    return RV_OK;
}
