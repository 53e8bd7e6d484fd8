/* Training steps against PyTorch: what is reported, weights, running statistics and optimizer
 * states, from the same weights, images and noise (tests/golden/make_adversarial.py says how they
 * are made); in double precision on the reference backend, and on the cpu one. */
#ifndef TESTS_GOLDEN_STEPS_H
#define TESTS_GOLDEN_STEPS_H

#include "golden.h"

#include "data/order.h"
#include "reverie/config.h"
#include "reverie/io.h"
#include "reverie/train.h"

#include <sys/stat.h>
#include <unistd.h>

enum { BATCH = 3, SAMPLES = 60, SEED = 1, SEED_IMAGES = 7, CLASSES = 3 };

typedef struct step_case {
    const char *name, *recipe;
    int64_t height, width, channels;
    int steps;
    int labelled;
    const char *file; /* of the golden values */
} step_case;

/* The numbers of make_nn_conv.py: element i is a hash of (i, seed) in [low, high). */
static inline double filled(uint32_t seed, int64_t i, double low, double high)
{
    uint32_t h = (uint32_t)i * 2654435761u + seed * 40503u + 12345u;
    h ^= h >> 15;
    h *= 2246822519u;
    h ^= h >> 13;
    h *= 3266489917u;
    h ^= h >> 16;
    return low + (high - low) * ((double)h / 4294967296.0);
}

/* ---- images ---- */

/* The loader's order undone: the images come as the scripts take them; 256 grays. */
static inline float *make_pixels(const step_case *c, uint32_t *order)
{
    int64_t count = (int64_t)c->steps * BATCH, size = c->height * c->width * c->channels;
    float *pixels = malloc((size_t)(count * size) * sizeof *pixels);
    assert_non_null(pixels);
    rv_order_shuffle(SEED, 0, count, order);
    for (int64_t i = 0; i < count; i++)
        for (int64_t k = 0; k < size; k++)
            pixels[order[i] * size + k] =
                (float)floor(filled(SEED_IMAGES, i * size + k, 0, 256)) / 256;
    return pixels;
}

static inline void write_idx(const char *folder, const char *name, const unsigned char *head,
                             size_t head_bytes, const unsigned char *values, size_t count)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(head, 1, head_bytes, file), head_bytes);
    assert_int_equal(fwrite(values, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

/* Bytes and labels, as MNIST's files. */
static inline void write_labelled(const step_case *c, const char *folder, const float *pixels,
                                  const uint32_t *order)
{
    unsigned char bytes[1024], labels[64], count = (unsigned char)(c->steps * BATCH);
    size_t size = (size_t)(c->height * c->width) * count;
    assert_true(size <= sizeof bytes && count <= sizeof labels);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)(pixels[i] * 256);
    for (int i = 0; i < count; i++)
        labels[order[i]] = (unsigned char)(i % CLASSES);
    const unsigned char images_head[] = {0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 4, 0, 0, 0, 4},
                        labels_head[] = {0, 0, 8, 1, 0, 0, 0, count};
    write_idx(folder, "train-images-idx3-ubyte", images_head, sizeof images_head, bytes, size);
    write_idx(folder, "train-labels-idx1-ubyte", labels_head, sizeof labels_head, labels, count);
}

/* Writes the images into the folder; the data set's name. */
static inline void write_images(rv_context *context, const step_case *c, const char *folder,
                                char *name, size_t bytes)
{
    uint32_t order[64];
    float *pixels = make_pixels(c, order);
    if (c->labelled) {
        write_labelled(c, folder, pixels, order);
        snprintf(name, bytes, "%s", folder);
    } else {
        const int64_t dim[] = {(int64_t)c->steps * BATCH, c->height, c->width, c->channels};
        snprintf(name, bytes, "%s/images.npy", folder);
        rv_array_save(context, name, pixels, 4, dim);
    }
    check_ok(context);
    free(pixels);
}

static inline void remove_images(const char *folder)
{
    static const char *const files[] = {"images.npy", "train-images-idx3-ubyte",
                                        "train-labels-idx1-ubyte"};
    char path[512];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(folder), 0);
}

/* ---- a training ---- */

typedef struct training {
    const step_case *c;
    double tolerance;
    golden g;
    char folder[64];
    rv_context *context;
    rv_config *config;
    rv_source *source;
    rv_model *model;
    rv_trainer *trainer;
} training;

static inline void check_value(const training *t, const char *name, double got)
{
    char whole[300];
    snprintf(whole, sizeof whole, "%s.%s", t->c->name, name);
    golden_compare(&t->g, whole, &got, (rv_shape){0, {0}}, t->tolerance);
}

static inline void check_event(void *user, const rv_event *event)
{
    const training *t = user;
    char name[128];
    assert_true(event->count > 0);
    for (int i = 0; i < event->count; i++) {
        if (strcmp(event->name[i], "lr") == 0) /* which these scripts do not have */
            continue;
        snprintf(name, sizeof name, "%lld.%s", (long long)event->step, event->name[i]);
        check_value(t, name, event->value[i]);
    }
}

/* Weight k of net n, as the scripts fill it. */
static inline void fill_weight(rv_param *param, int n, int k)
{
    int64_t size = rv_shape_size(rv_param_shape(param));
    int is_gain = rv_param_shape(param).rank == 1 && strstr(rv_param_name(param), ".weight");
    double *values = malloc((size_t)size * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < size; i++)
        values[i] =
            filled((uint32_t)(100 * (n + 1) + k), i, is_gain ? 0.7 : -0.4, is_gain ? 1.3 : 0.4);
    assert_int_equal(rv_param_write_double(param, values, (size_t)size), RV_OK);
    free(values);
}

static inline int is_of_a_net(const rv_model *model, const rv_param *param)
{
    int count;
    rv_net *const *nets = rv_model_nets(model, &count);
    for (int n = 0; n < count; n++)
        for (int k = 0; k < rv_net_weight_count(nets[n]); k++)
            if (rv_net_weight(nets[n], k) == param)
                return 1;
    return 0;
}

/* Net by net, and then the model's own weights, as those of one more. */
static inline void fill_weights(const training *t)
{
    int count, own = 0;
    rv_net *const *nets = rv_model_nets(t->model, &count);
    for (int n = 0; n < count; n++)
        for (int k = 0; k < rv_net_weight_count(nets[n]); k++)
            fill_weight(rv_net_weight(nets[n], k), n, k);
    for (int i = 0; i < rv_params_count(t->model->params); i++) {
        rv_param *param = rv_params_at(t->model->params, i);
        if (rv_param_kind_of(param) == RV_WEIGHT && !is_of_a_net(t->model, param))
            fill_weight(param, count, own++);
    }
}

static inline void begin(training *t, const step_case *c, const char *backend)
{
    char setting[300], name[256];
    memset(t, 0, sizeof *t);
    t->c = c;
    t->tolerance = strcmp(backend, "reference") == 0 ? 2e-7 : 2e-4;
    t->g = golden_open(c->file);
    t->context = rv_context_new();
    rv_context_set_backend(t->context, backend);
    strcpy(t->folder, "/tmp/reverie-steps-XXXXXX");
    assert_non_null(mkdtemp(t->folder));
    write_images(t->context, c, t->folder, name, sizeof name);
    rv_config_new(t->context, &t->config);
    rv_config_parse(t->config, c->recipe, c->name);
    snprintf(setting, sizeof setting, "data.name=%s", name);
    rv_config_set(t->config, setting);
    snprintf(setting, sizeof setting, "data.batch=%d", BATCH);
    rv_config_set(t->config, setting);
    const rv_settings *settings = rv_config_settings(t->config);
    check_ok(t->context);
    rv_source_open(t->context, &settings->data, RV_SPLIT_TRAIN, &t->source);
    check_ok(t->context);
    rv_model_new(t->context, settings->model, settings->model_config, rv_data_sizes_of(t->source),
                 &t->model);
    check_ok(t->context);
    rv_trainer_setup setup = {.model = t->model,
                              .train = t->source,
                              .config = settings->train,
                              .listener = {.user = t, .event = check_event}};
    rv_trainer_new(t->context, &setup, &t->trainer);
    check_ok(t->context);
}

static inline void end(training *t)
{
    rv_trainer_free(t->trainer);
    rv_model_free(t->model);
    rv_source_free(t->source);
    rv_config_free(t->config);
    rv_context_free(t->context);
    golden_free(&t->g);
    remove_images(t->folder);
}

/* Each n-th element of a large array, and the norm of the whole. */
static inline void check_param(const training *t, rv_param *param)
{
    char name[256];
    double got[SAMPLES + 1], square = 0;
    int64_t size = rv_shape_size(rv_param_shape(param)), count = 0;
    int64_t stride = size <= SAMPLES ? 1 : size / SAMPLES + 1;
    double *values = malloc((size_t)size * sizeof *values);
    assert_int_equal(rv_param_read_double(param, values, (size_t)size), RV_OK);
    for (int64_t i = 0; i < size; i++) {
        square += values[i] * values[i];
        if (i % stride == 0)
            got[count++] = values[i];
    }
    free(values);
    snprintf(name, sizeof name, "%s.%s", t->c->name, rv_param_name(param));
    golden_compare(&t->g, name, got, rv_shape1(count), t->tolerance);
    snprintf(name, sizeof name, "%s.norm", rv_param_name(param));
    check_value(t, name, sqrt(square));
}

/* How many lines of the golden file are of the case. */
static inline int count_lines(const training *t, const char *ending)
{
    int count = 0;
    size_t length = strlen(t->c->name);
    for (const char *line = t->g.text; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *space = strchr(line, ' ');
        if (strncmp(line, t->c->name, length) == 0 && line[length] == '.' && space &&
            (size_t)(space - line) > strlen(ending) &&
            strncmp(space - strlen(ending), ending, strlen(ending)) == 0)
            count++;
    }
    return count;
}

static inline void check_steps(const step_case *c, const char *backend)
{
    training t;
    begin(&t, c, backend);
    fill_weights(&t);
    for (int i = 0; i < c->steps; i++)
        if (rv_trainer_step(t.trainer) != RV_OK)
            fail_msg("%s: %s", c->name, rv_error_message(t.context));
    for (int i = 0; i < rv_params_count(t.model->params); i++)
        check_param(&t, rv_params_at(t.model->params, i));
    assert_int_equal(rv_params_count(t.model->params), count_lines(&t, ".norm"));
    end(&t);
}

static inline void steps_are_pytorchs(void **state)
{
    check_steps(*state, "reference");
}

static inline void steps_are_pytorchs_in_single_precision(void **state)
{
    check_steps(*state, "cpu");
}

/* Runs the cases, each on both backends, after `first` when it is not NULL. */
static inline int run_steps(const char *group, const step_case *cases, int count,
                            void (*first)(void **state))
{
    enum { CASES_MOST = 32 };
    static char names[2 * CASES_MOST][64];
    struct CMUnitTest tests[2 * CASES_MOST + 1];
    int total = 0;
    assert_true(count <= CASES_MOST);
    memset(tests, 0, sizeof tests);
    if (first)
        tests[total++] = (struct CMUnitTest)cmocka_unit_test(first);
    for (int i = 0; i < 2 * count; i++) {
        const step_case *c = &cases[i / 2];
        snprintf(names[i], sizeof names[i], "%s, %s", c->name, i % 2 ? "cpu" : "reference");
        tests[total++] = (struct CMUnitTest){
            names[i], i % 2 ? steps_are_pytorchs_in_single_precision : steps_are_pytorchs, NULL,
            NULL, (void *)(uintptr_t)c};
    }
    return _cmocka_run_group_tests(group, tests, (size_t)total, NULL, NULL);
}

#endif
