/* Models of labelled and unlabelled images, on tiny ones in double precision: the enumerated bound
 * against its definition over the classes, gradients against finite differences, the drawn label's
 * bound and gradient against the enumerated ones, the label summed out of p(x,z), and decoding by
 * class. */
#include "check.h"

#include "reverie/config.h"
#include "reverie/eval.h"
#include "reverie/train.h"

enum { B = 4, L = 3, K = 3, D = 4, Z = 2, WEIGHTS_MOST = 1024 };

#define NET "[linear 3, softplus]\n"
#define M2  "model: m2\nlatent: 2\nclassifier: " NET "encoder: " NET "decoder: " NET
#define M1_M2                                                                                      \
    "model: m1-m2\nfeatures: 2\nlatent: 2\nfeature_encoder: " NET "feature_decoder: " NET          \
    "classifier: " NET "encoder: " NET "decoder: " NET
#define ADGM                                                                                       \
    "model: adgm\nlatent: 2\nauxiliary: 2\nauxiliary_encoder: " NET "classifier: " NET             \
    "encoder: " NET "auxiliary_decoder: " NET "decoder: " NET
#define OBJECTIVE "objective: {alpha: 0.7, labelled: 0.5"

typedef struct tiny {
    rv_context *context;
    rv_config *config[2];
    rv_model *model[2]; /* of the same weights */
    float x[B * D], labelled_x[L * D];
    uint32_t execution; /* of the views and evaluations: their noise */
} tiny;

/* Weights in (-1, 1): apart from one another, so that classes and images differ. */
static void fill_weights(rv_params *params)
{
    for (int i = 0; i < rv_params_count(params); i++) {
        int64_t size = rv_shape_size(rv_param_shape(rv_params_at(params, i)));
        double *values = random_array((uint64_t)i + 5, size, -1, 1);
        assert_int_equal(rv_param_write_double(rv_params_at(params, i), values, (size_t)size),
                         RV_OK);
        free(values);
    }
}

static rv_model *add_model(tiny *t, int i, const char *recipe)
{
    rv_config_new(t->context, &t->config[i]);
    rv_config_parse(t->config[i], recipe, "recipe");
    const rv_settings *settings = rv_config_settings(t->config[i]);
    check_ok(t->context);
    rv_data_sizes sizes = {2, 2, 1, K, 0, 1, 0, 0, 0, 0};
    rv_model_new(t->context, settings->model, settings->model_config, sizes, &t->model[i]);
    check_ok(t->context);
    fill_weights(t->model[i]->params);
    return t->model[i];
}

static void begin(tiny *t, const char *recipe)
{
    memset(t, 0, sizeof *t);
    t->context = rv_context_new();
    rv_context_set_backend(t->context, "reference");
    add_model(t, 0, recipe);
    double *values = random_array(1, (B + L) * D, 0, 1);
    for (int i = 0; i < (B + L) * D; i++)
        *(i < B * D ? &t->x[i] : &t->labelled_x[i - B * D]) = (float)values[i];
    free(values);
}

static void end(tiny *t)
{
    for (int i = 0; i < 2; i++) {
        rv_model_free(t->model[i]);
        rv_config_free(t->config[i]);
    }
    rv_context_free(t->context);
}

static const int32_t labelled_labels[L] = {2, 0, 1};

static void bind(const tiny *t, rv_program *program, uint32_t execution)
{
    rv_bind(program, "x", t->x, B * D);
    rv_bind(program, "labelled_x", t->labelled_x, L * D);
    rv_bind(program, "labelled_labels", labelled_labels, L);
    rv_bind_random(program, 3, execution, 0, 0);
}

/* ---- the bounds ---- */

/* A program's output [B,columns], at labels [B] where it reads them. */
static void run(const tiny *t, rv_graph *graph, rv_expr output, const int32_t *labels, int64_t size,
                double *values)
{
    rv_program *program;
    rv_compile(graph, &output, 1, NULL, &program);
    check_ok(t->context);
    bind(t, program, t->execution);
    rv_bind(program, "labels", labels, B);
    assert_int_equal(rv_run(program), RV_OK);
    assert_int_equal(rv_read_double(program, 0, values, (size_t)size), RV_OK);
    rv_program_free(program);
}

/* A value of `evaluate` [B] with every label `label`. */
static void evaluated(const tiny *t, const char *name, int32_t label, double out[B])
{
    rv_evaluation e;
    const int32_t labels[B] = {label, label, label, label};
    rv_graph *graph = rv_graph_new(t->context);
    t->model[0]->kind->evaluate(t->model[0], graph, B, &e);
    check_ok(t->context);
    int i = 0;
    while (strcmp(e.metric[i].name, name) != 0)
        assert_true(++i < e.metric_count);
    run(t, graph, e.metric[i].value, labels, B, out);
    rv_graph_free(graph);
}

/* A view of x, [B,K]. */
static void viewed(const tiny *t, rv_expr (*make)(rv_model *, rv_expr), double out[B * K])
{
    rv_graph *graph = rv_graph_new(t->context);
    rv_expr x = rv_input(graph, "x", RV_F32, rv_shape2(B, D));
    run(t, graph, make(t->model[0], x), NULL, B * K, out);
    rv_graph_free(graph);
}

static double log_sum_exp(const double *v, int stride)
{
    double most = fmax(v[0], fmax(v[stride], v[2 * stride]));
    return most + log(exp(v[0] - most) + exp(v[stride] - most) + exp(v[2 * stride] - most));
}

/* U(x) = sum_y q(y|x) (J(x,y) - log q(y|x)) = log sum_y exp J(x,y) - KL(q || softmax J), with q and
 * each J(x,y) from programs of their own. */
static void unknown_label_is_summed_out(void **state)
{
    tiny t;
    double elbo[B], logits[B * K], joint[K][B];
    (void)state;
    begin(&t, M2);
    evaluated(&t, "elbo", 0, elbo);
    viewed(&t, t.model[0]->kind->classify, logits);
    for (int k = 0; k < K; k++)
        evaluated(&t, "elbo_labelled", k, joint[k]);
    for (int b = 0; b < B; b++) {
        double log_z = log_sum_exp(logits + b * K, 1), all = log_sum_exp(&joint[0][b], B);
        double bound = 0, divergence = 0;
        for (int k = 0; k < K; k++) {
            double log_q = logits[b * K + k] - log_z;
            bound += exp(log_q) * (joint[k][b] - log_q);
            divergence += exp(log_q) * (log_q - (joint[k][b] - all));
        }
        check_near(elbo[b], bound, 1e-9, "sum over the classes");
        check_near(elbo[b], all - divergence, 1e-9, "log-sum less the divergence");
        assert_true(divergence > 1e-4); /* or the two would not be told apart */
    }
    end(&t);
}

/* Classes are compared at posterior means: the same whatever the noise, where bounds at draws are
 * not. */
static void evidence_has_no_noise(void **state)
{
    tiny t;
    double evidence[2][B * K], logits[2][B * K], joint[2][B];
    begin(&t, *state);
    for (uint32_t run_number = 0; run_number < 2; run_number++) {
        t.execution = run_number;
        viewed(&t, t.model[0]->kind->class_evidence, evidence[run_number]);
        viewed(&t, t.model[0]->kind->classify, logits[run_number]);
        evaluated(&t, "elbo_labelled", 1, joint[run_number]);
    }
    assert_memory_equal(evidence[0], evidence[1], sizeof evidence[0]);
    assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
    for (int32_t k = 0; k < K; k++) {
        double right[2][B];
        evaluated(&t, "accuracy", k, right[0]);
        evaluated(&t, "accuracy_by_evidence", k, right[1]);
        for (int b = 0; b < B; b++) {
            int likeliest[2] = {0, 0};
            for (int c = 1; c < K; c++) {
                likeliest[0] =
                    logits[0][b * K + c] > logits[0][b * K + likeliest[0]] ? c : likeliest[0];
                likeliest[1] =
                    evidence[0][b * K + c] > evidence[0][b * K + likeliest[1]] ? c : likeliest[1];
            }
            assert_true(right[0][b] == (likeliest[0] == k));
            assert_true(right[1][b] == (likeliest[1] == k));
        }
    }
    for (int b = 0; b < B; b++)
        assert_true(fabs(joint[0][b] - joint[1][b]) > 1e-6);
    end(&t);
}

/* Where the decoder does not look at z, a draw and the mean are one: J(x,y) to the last digit. */
static void evidence_is_the_bound_of_a_class(void **state)
{
    tiny t;
    double evidence[B * K], joint[B], weight[3 * (Z + K)];
    (void)state;
    begin(&t, M2);
    rv_param *first = rv_params_find(t.model[0]->params, "decoder.0.weight"); /* [3,Z+K] */
    assert_int_equal(rv_param_read_double(first, weight, 3 * (Z + K)), RV_OK);
    for (int i = 0; i < 3 * (Z + K); i++)
        weight[i] *= i % (Z + K) >= Z;
    rv_param_write_double(first, weight, 3 * (Z + K));
    viewed(&t, t.model[0]->kind->class_evidence, evidence);
    for (int32_t k = 0; k < K; k++) {
        evaluated(&t, "elbo_labelled", k, joint);
        for (int b = 0; b < B; b++)
            check_near(evidence[b * K + k], joint[b], 1e-9, "evidence of a class");
    }
    end(&t);
}

/* ---- gradients ---- */

typedef struct trained {
    rv_graph *graph;
    rv_program *program;
    int count; /* outputs: the loss (the last stage's), then the gradient of each weight */
} trained;

/* The last stage's loss and the gradients of every weight of the context. */
static trained train(tiny *t, rv_model *model)
{
    trained p = {.graph = rv_graph_new(t->context)};
    rv_expr output[64], value[63];
    rv_iteration iteration = {.graph = p.graph, .batch = B, .labelled = L};
    model->kind->train(model, &iteration);
    check_ok(t->context);
    p.count = rv_params_count(model->params);
    assert_true(p.count < 64);
    for (int i = 0; i < p.count; i++)
        value[i] = rv_param_value(p.graph, rv_params_at(model->params, i));
    output[0] = iteration.stage[iteration.stage_count - 1].loss;
    rv_grad(output[0], value, p.count, output + 1);
    rv_compile(p.graph, output, p.count + 1, NULL, &p.program);
    check_ok(t->context);
    return p;
}

static void trained_free(trained *p)
{
    rv_program_free(p->program);
    rv_graph_free(p->graph);
}

static double loss_of(const tiny *t, const trained *p)
{
    double loss;
    bind(t, p->program, 0);
    assert_int_equal(rv_run(p->program), RV_OK);
    assert_int_equal(rv_read_double(p->program, 0, &loss, 1), RV_OK);
    return loss;
}

/* All gradients in a row; how many. */
static int gradient_of(const tiny *t, const trained *p, uint32_t execution, double *out)
{
    int total = 0;
    bind(t, p->program, execution);
    assert_int_equal(rv_run(p->program), RV_OK);
    for (int i = 0; i < p->count; i++) {
        int size = (int)rv_shape_size(rv_param_shape(rv_params_at(t->model[0]->params, i)));
        assert_true(total + size <= WEIGHTS_MOST);
        assert_int_equal(rv_read_double(p->program, i + 1, out + total, (size_t)size), RV_OK);
        total += size;
    }
    return total;
}

static void check_weight(const tiny *t, const trained *p, rv_param *param, int at, double gradient)
{
    const double h = 1e-5;
    double values[256], loss[2], kept;
    size_t size = (size_t)rv_shape_size(rv_param_shape(param));
    assert_true(size <= 256);
    rv_param_read_double(param, values, size);
    kept = values[at];
    for (int side = 0; side < 2; side++) {
        values[at] = kept + (side ? h : -h);
        rv_param_write_double(param, values, size);
        loss[side] = loss_of(t, p);
    }
    values[at] = kept;
    rv_param_write_double(param, values, size);
    check_near(gradient, (loss[1] - loss[0]) / (2 * h), 1e-6 * (1 + fabs(gradient)),
               rv_param_name(param));
}

static void gradients_are_those_of_finite_differences(void **state)
{
    tiny t;
    double gradient[WEIGHTS_MOST], square = 0;
    begin(&t, *state);
    trained p = train(&t, t.model[0]);
    int total = gradient_of(&t, &p, 0, gradient), first = 0;
    for (int i = 0; i < p.count; i++) {
        rv_param *param = rv_params_at(t.model[0]->params, i);
        int size = (int)rv_shape_size(rv_param_shape(param));
        /* Of M1+M2 the last loss is M2's, which sends M1 no gradient. */
        int is_m1 = strncmp(rv_param_name(param), "feature_", 8) == 0;
        for (int k = 0; k<size; k += size> 8 ? 3 : 1)
            if (is_m1)
                check_near(gradient[first + k], 0, 0, rv_param_name(param));
            else
                check_weight(&t, &p, param, k, gradient[first + k]);
        first += size;
    }
    for (int i = 0; i < total; i++)
        square += gradient[i] * gradient[i];
    assert_true(square > 0.01);
    trained_free(&p);
    end(&t);
}

/* The loss with the label drawn, and its gradient, less those with it enumerated, at the same draws
 * of z: their mean over many draws of y is 0. */
static void drawn_label_is_unbiased(void **state)
{
    enum { RUNS = 4000 };
    tiny t;
    static double sum[WEIGHTS_MOST + 1], squares[WEIGHTS_MOST + 1], all[2][WEIGHTS_MOST + 1];
    int total = 0, noisy = 0;
    (void)state;
    begin(&t, M2 OBJECTIVE "}\n");
    add_model(&t, 1, M2 OBJECTIVE ", unknown: sample}\n");
    memset(sum, 0, sizeof sum);
    memset(squares, 0, sizeof squares);
    trained p[2] = {train(&t, t.model[0]), train(&t, t.model[1])};
    for (uint32_t run_number = 0; run_number < RUNS; run_number++) {
        for (int i = 0; i < 2; i++) {
            total = gradient_of(&t, &p[i], run_number, all[i] + 1) + 1;
            rv_read_double(p[i].program, 0, all[i], 1);
        }
        for (int i = 0; i < total; i++) {
            double difference = all[1][i] - all[0][i];
            sum[i] += difference;
            squares[i] += difference * difference;
        }
    }
    for (int i = 0; i < total; i++) {
        double mean = sum[i] / RUNS, variance = squares[i] / RUNS - mean * mean;
        double error = sqrt(fmax(variance, 0) / RUNS);
        check_near(mean, 0, 4 * error + 1e-9, "drawn less enumerated");
        noisy += error > 1e-6;
    }
    assert_true(noisy > total / 2); /* the label was drawn */
    for (int i = 0; i < 2; i++)
        trained_free(&p[i]);
    end(&t);
}

/* ---- views ---- */

static double log_normal(double z)
{
    return -0.5 * z * z - 0.5 * log(2 * M_PI);
}

/* log p(x,z) = log sum_y p(y) p(x|y,z) + log p(z), with p(x|y,z) from the decoded means. */
static void label_is_summed_out_of_the_joint(void **state)
{
    tiny t;
    float z[B * Z], mean[B * D];
    double got[B], log_px[K][B];
    (void)state;
    begin(&t, M2);
    double *values = random_array(9, B * Z, -2, 2);
    for (int i = 0; i < B * Z; i++)
        z[i] = (float)values[i];
    free(values);
    rv_graph *graph = rv_graph_new(t.context);
    rv_expr x = rv_input(graph, "x", RV_F32, rv_shape2(B, D));
    rv_expr at = rv_constant(graph, rv_shape3(1, B, Z), z);
    run(&t, graph, t.model[0]->kind->log_joint(t.model[0], x, at), NULL, B, got);
    rv_graph_free(graph);
    for (int k = 0; k < K; k++) {
        const int32_t classes[B] = {k, k, k, k};
        assert_int_equal(rv_view_decode_classes(t.model[0], z, classes, B, mean), RV_OK);
        for (int b = 0; b < B; b++) {
            log_px[k][b] = -log(K);
            for (int d = b * D; d < (b + 1) * D; d++)
                log_px[k][b] += (double)t.x[d] * log((double)mean[d]) +
                                (1 - (double)t.x[d]) * log(1 - (double)mean[d]);
        }
    }
    for (int b = 0; b < B; b++)
        check_near(got[b],
                   log_sum_exp(&log_px[0][b], B) + log_normal((double)z[b * Z]) +
                       log_normal((double)z[b * Z + 1]),
                   1e-5, "log p(x,z)");
    end(&t);
}

static void classes_are_decoded_in_rotation(void **state)
{
    enum { ROWS = 600 }; /* of which a program takes 256 at once */
    tiny t;
    static float z[ROWS * Z], rotated[ROWS * D], given[ROWS * D];
    static int32_t classes[ROWS];
    begin(&t, *state);
    for (int i = 0; i < ROWS; i++)
        classes[i] = i % K;
    assert_int_equal(rv_view_prior(t.model[0], 1, ROWS, z), RV_OK);
    assert_int_equal(rv_view_decode(t.model[0], z, ROWS, rotated), RV_OK);
    assert_int_equal(rv_view_decode_classes(t.model[0], z, classes, ROWS, given), RV_OK);
    assert_memory_equal(rotated, given, sizeof given);
    for (int i = 0; i < ROWS; i++)
        classes[i] = (i + 1) % K;
    assert_int_equal(rv_view_decode_classes(t.model[0], z, classes, ROWS, given), RV_OK);
    for (int i = 0; i < ROWS; i++)
        assert_true(memcmp(rotated + i * D, given + i * D, D * sizeof *given) != 0);
    classes[5] = K;
    assert_int_equal(rv_view_decode_classes(t.model[0], z, classes, ROWS, given), RV_BAD_USAGE);
    check_error(t.context, RV_BAD_USAGE, "class 3: the classes are 0 to 2");
    end(&t);
}

/* No label but the labelled images' enters a training iteration. */
static void unlabelled_images_have_no_label(void **state)
{
    tiny t;
    begin(&t, *state);
    trained p = train(&t, t.model[0]);
    assert_true(rv_program_has_input(p.program, "x"));
    assert_true(rv_program_has_input(p.program, "labelled_labels"));
    assert_false(rv_program_has_input(p.program, "labels"));
    trained_free(&p);
    end(&t);
}

static void nothing_to_learn_from_is_refused(void **state)
{
    tiny t = {.context = rv_context_new()};
    rv_model *model;
    (void)state;
    rv_config_new(t.context, &t.config[0]);
    rv_config_parse(t.config[0], M2 "objective: {labelled: 0, unlabelled: 0}\n", "recipe");
    const rv_settings *settings = rv_config_settings(t.config[0]);
    check_ok(t.context);
    rv_data_sizes sizes = {2, 2, 1, K, 0, 1, 0, 0, 0, 0};
    rv_model_new(t.context, settings->model, settings->model_config, sizes, &model);
    check_error(t.context, RV_BAD_USAGE, "nothing would teach the decoder");
    sizes.classes = 0;
    rv_model_new(t.context, settings->model, settings->model_config, sizes, &model);
    check_error(t.context, RV_BAD_USAGE, "needs labelled images of two classes or more");
    end(&t);
}

#define OF(test, recipe)                                                                           \
    {                                                                                              \
#test ", " #recipe, test, NULL, NULL, (void *)(uintptr_t)recipe                            \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_label_is_summed_out),
        OF(evidence_has_no_noise, M2),
        OF(evidence_has_no_noise, M1_M2),
        OF(evidence_has_no_noise, ADGM),
        cmocka_unit_test(evidence_is_the_bound_of_a_class),
        OF(gradients_are_those_of_finite_differences, M2 OBJECTIVE "}\n"),
        OF(gradients_are_those_of_finite_differences, M1_M2 OBJECTIVE "}\n"),
        OF(gradients_are_those_of_finite_differences, ADGM OBJECTIVE "}\n"),
        cmocka_unit_test(drawn_label_is_unbiased),
        cmocka_unit_test(label_is_summed_out_of_the_joint),
        OF(classes_are_decoded_in_rotation, M2),
        OF(classes_are_decoded_in_rotation, M1_M2),
        OF(classes_are_decoded_in_rotation, ADGM),
        OF(unlabelled_images_have_no_label, M2),
        OF(unlabelled_images_have_no_label, M1_M2),
        OF(unlabelled_images_have_no_label, ADGM),
        cmocka_unit_test(nothing_to_learn_from_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
