/* Layer words: each line is a word of a net over an image, or over a vector.  Nets that are taken
 * and small are made and applied. */
#include "fuzz.h"

#include "core/memory.h"
#include "nn/net.h"
#include "reverie/nn.h"

#include <string.h>

enum { WORDS_MOST = 64 };
static const int64_t values_most = 20000;

static int split(char *text, const char *words[WORDS_MOST])
{
    int count = 0;
    while (*text && count < WORDS_MOST) {
        size_t length = strcspn(text, "\n");
        char *next = text + length + (text[length] == '\n');
        text[length] = '\0';
        words[count++] = text;
        text = next;
    }
    return count;
}

static double values_of(rv_shape shape)
{
    double values = 1;
    for (int i = 0; i < shape.rank; i++)
        values *= (double)shape.dim[i];
    return values;
}

/* The most that a layer gives, or its weights hold. */
static double largest_of(const layer_list *layers)
{
    double largest = 0;
    for (int i = 0; i < layers->count; i++) {
        const net_layer *layer = &layers->layer[i];
        double inside = largest_of(&layer->inside), out = values_of(layer->out);
        largest = inside > largest ? inside : largest;
        largest = out > largest ? out : largest;
        for (int k = 0; k < LAYER_PARAMS_MOST; k++)
            if (layer->declared[k].suffix && values_of(layer->declared[k].shape) > largest)
                largest = values_of(layer->declared[k].shape);
    }
    return largest;
}

/* In a context of its own: parameters live as long as that. */
static void apply(const char *const *words, int count, rv_shape in)
{
    rv_context *context = rv_context_new();
    rv_net *net;
    rv_graph *graph = rv_graph_new(context);
    fuzz_require(context && graph, "no memory");
    fuzz_require(rv_net_new(context, "net", words, count, in, &net) == RV_OK,
                 "its layers fit, but it is not made: %s", rv_error_message(context));
    rv_shape shape = {.rank = in.rank + 1, .dim = {2}};
    memcpy(shape.dim + 1, in.dim, sizeof *in.dim * (size_t)in.rank);
    rv_expr out = rv_net_apply(net, rv_input(graph, "x", RV_F32, shape), RV_TRAIN);
    fuzz_require(!rv_is_poison(out) || *rv_error_message(context), "poison without a word");
    rv_net_free(net);
    rv_graph_free(graph);
    rv_context_free(context);
}

static void check(rv_context *context, const char *const *words, int count, rv_shape in)
{
    rv_arena arena = {0};
    layer_list layers;
    rv_net_config config = rv_net_defaults();
    net_builder builder = {context, &config, &arena, "net", 0};
    rv_status status = layer_list_new(&builder, words, count, in, NULL, (net_sight){0, 0}, &layers);
    fuzz_told(context, status);
    if (status == RV_OK && largest_of(&layers) <= (double)values_most)
        apply(words, count, in);
    rv_arena_free(&arena);
    rv_error_clear(context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *words[WORDS_MOST];
    rv_context *context = fuzz_begin(size);
    int count = split((char *)(uintptr_t)fuzz_text(data, size), words);
    check(context, words, count,
          rv_words_take_images(words, count) ? rv_shape3(8, 8, 2) : rv_shape1(6));
    return fuzz_end();
}
