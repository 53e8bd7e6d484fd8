/* Kernels in files: what PyTorch saved loads and gives what PyTorch gave; what is written has
 * PyTorch's shapes and order, optimizer state and averages too, and comes back as it was. */
#include "golden.h"
#include "training.h"

#include "reverie/io.h"
#include "reverie/nn.h"

#include <unistd.h>

static const char torch_file[] = REVERIE_SOURCE_DIR "/tests/golden/nn/torch.safetensors";
static const char *const torch_words[] = {"deconv 3 k3",       "batchnorm",      "relu",
                                          "deconv 2 k4 s2 p1", "leaky_relu 0.2", "conv 5 k3",
                                          "flatten",           "linear 2"};

/* A model of which only the context is looked at. */
static rv_model bare_model(rv_context *context)
{
    rv_model model;
    memset(&model, 0, sizeof model);
    model.context = context;
    model.params = rv_context_params(context);
    return model;
}

/* The input of make_nn_conv.py, fill(1, (3, 1, 1, 4)). */
static void fill(float *values, int count)
{
    for (int i = 0; i < count; i++) {
        uint32_t h = (uint32_t)i * 2654435761u + 1 * 40503u + 12345u;
        h ^= h >> 15;
        h *= 2246822519u;
        h ^= h >> 13;
        h *= 3266489917u;
        h ^= h >> 16;
        values[i] = (float)(2 * ((double)h / 4294967296.0) - 1);
    }
}

static void a_file_of_pytorch_loads(void **state)
{
    enum { B = 3, Z = 4 };
    float x[B * Z];
    golden g = golden_open("nn/conv.txt");
    rv_context *context = rv_context_new();
    rv_graph *graph = rv_graph_new(context);
    rv_model model = bare_model(context);
    rv_net *net;
    rv_program *program;
    (void)state;
    fill(x, B * Z);
    rv_net_new(context, "net", torch_words, 8, rv_shape1(Z), &net);
    assert_int_equal(rv_checkpoint_load(&model, torch_file, 0), RV_OK);
    check_ok(context);
    rv_expr y = rv_net_apply(net, rv_constant(graph, rv_shape2(B, Z), x), RV_EVALUATE);
    rv_compile(graph, &y, 1, NULL, &program);
    check_ok(context);
    assert_int_equal(rv_run(program), RV_OK);
    golden_check(&g, "torch_file.y", program, 0, y, 1e-5);
    rv_program_free(program);
    rv_net_free(net);
    rv_graph_free(graph);
    rv_context_free(context);
    golden_free(&g);
}

/* As many values in another shape are of another model: [4,3,3,3] in the file is not [4,9,1,3]. */
static void another_shape_is_refused(void **state)
{
    rv_context *context = rv_context_new();
    rv_model model = bare_model(context);
    (void)state;
    rv_param_get(context, "net.0.weight", rv_shape4(4, 9, 1, 3), rv_initial_constant(0), RV_WEIGHT);
    assert_int_equal(rv_checkpoint_load(&model, torch_file, 0), RV_BAD_FILE);
    check_error(context, RV_BAD_FILE,
                "torch.safetensors: tensor net.0.weight is [4,3,3,3], but this model's is "
                "[4,3,9,1]: the file is of another model");
    rv_context_free(context);
}

/* ---- what Reverie writes ---- */

static const char recipe[] = "model: vae\n"
                             "data: {name: digits, limit: 64, batch: 32, pixels: dynamic}\n"
                             "latent: 2\n"
                             "encoder: [conv 3 k4 s4, relu, conv 5 k3 s2, flatten]\n"
                             "decoder: [deconv 3 k4, relu, flatten, linear 8]\n"
                             "train: {epochs: 1, lr: 1e-3, ema: 0.9}\n";

/* The file's [o,i,h,w] is the parameter's [o,h,w,i]. */
static void compare_kernel(const rv_tensors *tensors, rv_param *param)
{
    rv_shape s = rv_param_shape(param);
    size_t size = (size_t)rv_shape_size(s);
    const char *name = rv_param_name(param);
    const rv_tensor *tensor = rv_tensors_find(tensors, name);
    int64_t o = s.dim[0], h = s.dim[1], w = s.dim[2], n = s.dim[3];
    float *in_file = malloc(size * sizeof *in_file), *inside = malloc(size * sizeof *inside);
    assert_non_null(tensor);
    assert_int_equal(tensor->rank, 4);
    assert_int_equal(tensor->dim[0], o);
    assert_int_equal(tensor->dim[1], n);
    assert_int_equal(tensor->dim[2], h);
    assert_int_equal(tensor->dim[3], w);
    rv_tensors_read(tensors, name, in_file, size);
    rv_param_read(param, inside, size);
    for (int64_t a = 0; a < o; a++)
        for (int64_t b = 0; b < n; b++)
            for (int64_t c = 0; c < h * w; c++)
                check_near((double)in_file[(a * n + b) * h * w + c],
                           (double)inside[(a * h * w + c) * n + b], 0, name);
    free(in_file);
    free(inside);
}

static void compare_params(const rv_params *a, const rv_params *b)
{
    assert_int_equal(rv_params_count(a), rv_params_count(b));
    for (int i = 0; i < rv_params_count(a); i++) {
        rv_param *p = rv_params_at(a, i), *q = rv_params_find(b, rv_param_name(p));
        size_t size = (size_t)rv_shape_size(rv_param_shape(p));
        float *left = malloc(size * sizeof *left), *right = malloc(size * sizeof *right);
        assert_non_null(q);
        rv_param_read(p, left, size);
        rv_param_read(q, right, size);
        if (memcmp(left, right, size * sizeof *left) != 0)
            fail_msg("parameter %s differs", rv_param_name(p));
        free(left);
        free(right);
    }
}

static void kernels_are_written_as_pytorch_has_them(void **state)
{
    char path[] = "/tmp/reverie-kernels-XXXXXX";
    const char *keep = getenv("REVERIE_KEEP"), *to = keep ? keep : path;
    int kernels = 0, states = 0;
    int64_t position;
    training first, second;
    rv_tensors *tensors;
    (void)state;
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    training_begin(&first, recipe, NULL);
    assert_int_equal(rv_trainer_step(first.trainer), RV_OK);
    rv_trainer_save(first.trainer, to);
    check_ok(first.context);
    rv_tensors_open(first.context, to, &tensors);
    check_ok(first.context);
    for (int i = 0; i < rv_params_count(first.model->params); i++) {
        rv_param *param = rv_params_at(first.model->params, i);
        if (rv_param_shape(param).rank != 4)
            continue;
        compare_kernel(tensors, param);
        kernels += rv_param_kind_of(param) == RV_WEIGHT;
        states += rv_param_kind_of(param) == RV_STATE;
    }
    assert_int_equal(kernels, 3);
    assert_int_equal(states, 3 * 3); /* Adam's two moments, the average */
    rv_tensors_free(tensors);
    training_begin(&second, recipe, NULL);
    rv_trainer_load(second.trainer, to, &position);
    check_ok(second.context);
    compare_params(first.model->params, second.model->params);
    assert_int_equal(rv_trainer_step(first.trainer), RV_OK);
    assert_int_equal(rv_trainer_step(second.trainer), RV_OK);
    compare_params(first.model->params, second.model->params);
    training_end(&first);
    training_end(&second);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_pytorch_loads),
        cmocka_unit_test(another_shape_is_refused),
        cmocka_unit_test(kernels_are_written_as_pytorch_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
