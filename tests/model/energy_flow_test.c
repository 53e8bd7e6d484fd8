/* A flow fitted to an energy: its KL against the integral over a grid, for every flow; never below
 * zero; less after training than the best Gaussian's; draws that follow its density. */
#include "graph_bench.h"

#include "energies/energies.h"
#include "reverie/config.h"
#include "reverie/eval.h"

enum { DRAWS = 20000, SIDE = 240 };
static const double reach = 12;

static const char *const flows[] = {
    "flow: none",
    "flow: planar, flow_length: 3",
    "flow: radial, flow_length: 3",
    "flow: householder, flow_length: 2",
    "flow: iaf, flow_length: 2, flow_layers: [masked 7, tanh]",
    "flow: sylvester, flow_length: 3",
};
enum { FLOWS = sizeof flows / sizeof *flows, SYLVESTER = FLOWS - 1 };

typedef struct fixture {
    rv_context *context;
    rv_config *config;
    rv_model *model;
} fixture;

static rv_data_sizes sizes_of(int energy)
{
    return (rv_data_sizes){
        .height = 1, .width = 2, .channels = 1, .high = 1, .are_points = 1, .energy = energy};
}

/* Weights in (-scale, scale); 0: as they begin. */
static fixture make(int energy, const char *settings, double scale)
{
    fixture f = {.context = rv_context_new()};
    char recipe[512];
    rv_context_set_threads(f.context, 1);
    snprintf(recipe, sizeof recipe,
             "model: energy-flow\nposterior: {%s}\nobjective: {annealing_steps: 0}\n", settings);
    rv_config_new(f.context, &f.config);
    rv_config_parse(f.config, recipe, "recipe");
    const rv_settings *s = rv_config_settings(f.config);
    check_ok(f.context);
    rv_model_new(f.context, s->model, s->model_config, sizes_of(energy), &f.model);
    check_ok(f.context);
    for (int i = 0; scale > 0 && i < rv_params_count(f.model->params); i++) {
        rv_param *p = rv_params_at(f.model->params, i);
        int64_t size = rv_shape_size(rv_param_shape(p));
        double *values = random_array((uint64_t)i + 3, size, -scale, scale);
        rv_param_write_double(p, values, (size_t)size);
        free(values);
    }
    return f;
}

static void release(fixture *f)
{
    rv_model_free(f->model);
    rv_config_free(f->config);
    rv_context_free(f->context);
}

/* The mean of the KL over DRAWS draws, and its standard error. */
static double kl_of(const fixture *f, double *error)
{
    static float kl[DRAWS], free_energy[DRAWS];
    rv_graph *graph = rv_graph_new(f->context);
    rv_evaluation e;
    rv_program *program;
    double sum = 0, square = 0;
    f->model->kind->evaluate(f->model, graph, DRAWS, &e);
    const rv_expr outputs[2] = {e.metric[0].value, e.metric[1].value};
    assert_string_equal(e.metric[0].name, "kl");
    assert_string_equal(e.metric[1].name, "free_energy");
    rv_compile(graph, outputs, 2, NULL, &program);
    check_ok(f->context);
    rv_bind_random(program, 5, 0, 0, 0);
    assert_int_equal(rv_run(program), RV_OK);
    rv_read(program, 0, kl, DRAWS);
    rv_read(program, 1, free_energy, DRAWS);
    for (int i = 0; i < DRAWS; i++) {
        sum += (double)kl[i] / DRAWS;
        square += (double)kl[i] * (double)kl[i] / DRAWS;
        check_near((double)(kl[i] - free_energy[i]), energy_log_z(f->model->sizes.energy),
                   1e-5 * (1 + fabs((double)kl[i])), "KL - F");
    }
    *error = sqrt(fmax(square - sum * sum, 0) / DRAWS);
    rv_program_free(program);
    rv_graph_free(graph);
    return sum;
}

/* log q_K on a grid of SIDE x SIDE cells, [SIDE SIDE]; the caller frees it. */
static float *grid_of(const fixture *f, float *points)
{
    float *log_q = malloc(sizeof(float) * SIDE * SIDE);
    for (int i = 0; i < SIDE * SIDE; i++) {
        points[2 * i] = (float)(-reach + 2 * reach * (i % SIDE + 0.5) / SIDE);
        points[2 * i + 1] = (float)(-reach + 2 * reach * (i / SIDE + 0.5) / SIDE);
    }
    assert_int_equal(rv_view_score(f->model, points, SIDE * SIDE, log_q), RV_OK);
    return log_q;
}

static void the_kl_is_the_integral(void **state)
{
    static float points[2 * SIDE * SIDE];
    const double cell = 4 * reach * reach / (SIDE * SIDE);
    (void)state;
    for (int flow = 0; flow < SYLVESTER; flow++)
        for (int k = 1; k <= ENERGIES; k++) {
            fixture f = make(k, flows[flow], 0.5);
            float *log_q = grid_of(&f, points);
            double total = 0, kl = energy_log_z(k), error;
            for (int i = 0; i < SIDE * SIDE; i++) {
                const double z[2] = {(double)points[2 * i], (double)points[2 * i + 1]};
                double q = exp((double)log_q[i]) * cell;
                total += q;
                kl += q > 0 ? q * ((double)log_q[i] + energy_at(k, z)) : 0;
            }
            check_near(total, 1, 1e-3, flows[flow]);
            double estimate = kl_of(&f, &error);
            check_near(estimate, kl, 5 * error + 1e-2, flows[flow]);
            free(log_q);
            release(&f);
        }
}

static void a_kl_is_not_below_zero(void **state)
{
    (void)state;
    for (int flow = 0; flow < FLOWS; flow++)
        for (int k = 1; k <= ENERGIES; k++)
            for (int size = 1; size <= 3; size++) {
                fixture f = make(k, flows[flow], 0.5 * size);
                double error, kl = kl_of(&f, &error);
                if (!(kl > -5 * error))
                    fail_msg("%s, energy %d: KL %.4f +- %.4f", flows[flow], k, kl, error);
                release(&f);
            }
}

/* `steps` of Adam. */
static void train(const fixture *f, int steps)
{
    rv_optimizer_config optimizer = rv_optimizer_defaults();
    rv_iteration iteration = {
        .graph = rv_graph_new(f->context), .batch = 256, .optimizer = &optimizer};
    rv_program *program;
    assert_int_equal(f->model->kind->train(f->model, &iteration), RV_OK);
    rv_expr loss = iteration.stage[0].loss;
    rv_compile(iteration.graph, &loss, 1, loss, &program);
    check_ok(f->context);
    for (int step = 0; step < steps; step++) {
        rv_scalar_input beta;
        const rv_moment moment = {step, 0, 0};
        assert_int_equal(f->model->kind->schedule(f->model, moment, &beta), 1);
        rv_bind_scalar(program, beta.name, beta.value);
        rv_bind_scalar(program, "energy-flow.lr", 1e-2);
        rv_bind_scalar(program, "energy-flow.t", step + 1);
        rv_bind_random(program, 1, (uint32_t)step, 0, 0);
        assert_int_equal(rv_run(program), RV_OK);
    }
    rv_program_free(program);
    rv_graph_free(iteration.graph);
}

/* The same Gaussian for every energy whose flow has no steps; more steps come nearer. */
static void training_comes_nearer_than_the_best_gaussian(void **state)
{
    (void)state;
    for (int k = 1; k <= ENERGIES; k += 3) {
        double kl[2], error[2];
        for (int length = 0; length < 2; length++) {
            fixture f = make(k, length ? "flow: planar, flow_length: 12" : "flow: none", 0);
            train(&f, 1500);
            kl[length] = kl_of(&f, &error[length]);
            assert_true(kl[length] > -5 * error[length]);
            release(&f);
        }
        if (!(kl[1] < 0.6 * kl[0]))
            fail_msg("energy %d: KL %.4f of 12 planar steps, %.4f of the best Gaussian", k, kl[1],
                     kl[0]);
    }
}

/* Means of the draws against those of the density on a grid, within five standard errors. */
static void draws_follow_the_density(void **state)
{
    static float points[2 * SIDE * SIDE], draws[2 * DRAWS];
    const double cell = 4 * reach * reach / (SIDE * SIDE);
    (void)state;
    for (int flow = 0; flow < SYLVESTER; flow++) {
        fixture f = make(1, flows[flow], 0.7);
        float *log_q = grid_of(&f, points);
        double mean[4] = {0}, drawn[4] = {0}, square[4] = {0};
        assert_int_equal(rv_view_generate(f.model, 3, DRAWS, draws), RV_OK);
        for (int i = 0; i < SIDE * SIDE; i++)
            for (int axis = 0; axis < 4; axis++)
                mean[axis] += exp((double)log_q[i]) * cell *
                              pow((double)points[2 * i + axis % 2], 1 + axis / 2);
        for (int i = 0; i < DRAWS; i++)
            for (int axis = 0; axis < 4; axis++) {
                double value = pow((double)draws[2 * i + axis % 2], 1 + axis / 2);
                drawn[axis] += value / DRAWS;
                square[axis] += value * value / DRAWS;
            }
        for (int axis = 0; axis < 4; axis++)
            check_near(drawn[axis], mean[axis],
                       5 * sqrt((square[axis] - drawn[axis] * drawn[axis]) / DRAWS) + 1e-3,
                       flows[flow]);
        free(log_q);
        release(&f);
    }
}

/* beta_t = min(1, 0.01 + t / T) */
static void the_energy_is_tempered(void **state)
{
    const struct {
        int64_t step;
        double beta;
    } known[] = {{0, 0.01}, {100, 0.26}, {396, 1}, {1000, 1}};
    fixture f;
    rv_config *config;
    rv_scalar_input beta;
    (void)state;
    f = make(1, flows[1], 0);
    f.model->kind->schedule(f.model, (rv_moment){7, 0, 0}, &beta);
    assert_string_equal(beta.name, "beta");
    check_near(beta.value, 1, 0, "without annealing");
    rv_config_new(f.context, &config);
    rv_config_parse(config, "model: energy-flow\nobjective: {annealing_steps: 400}\n", "recipe");
    const rv_settings *s = rv_config_settings(config);
    rv_model *model;
    rv_model_new(f.context, s->model, s->model_config, sizes_of(1), &model);
    check_ok(f.context);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        model->kind->schedule(model, (rv_moment){known[i].step, 0, 0.5}, &beta);
        check_near(beta.value, known[i].beta, 1e-12, "beta");
        check_near(beta.until, 198, 1e-9, "epochs until beta is 1");
    }
    rv_model_free(model);
    rv_config_free(config);
    release(&f);
}

static void what_it_lacks_is_told(void **state)
{
    const float point[2] = {0, 0};
    float each;
    rv_model *model;
    (void)state;
    fixture f = make(1, flows[SYLVESTER], 0);
    assert_int_equal(rv_view_score(f.model, point, 1, &each), RV_BAD_USAGE);
    check_error(f.context, RV_BAD_USAGE, "a Sylvester flow has no inverse");
    assert_string_equal(f.model->kind->select(f.model), "kl");
    assert_true(f.model->kind->selects_least);
    const rv_settings *s = rv_config_settings(f.config);
    assert_int_equal(rv_model_new(f.context, s->model, s->model_config, sizes_of(0), &model),
                     RV_BAD_USAGE);
    check_error(f.context, RV_BAD_USAGE, "data.name=energy-1");
    release(&f);
}

/* The base has a mean and deviations of its own, also where no step follows. */
static void the_base_is_known(void **state)
{
    (void)state;
    for (int steps = 0; steps < 2; steps++) {
        fixture f = make(1, steps ? "flow: planar, flow_length: 3" : "flow: none", 0.7);
        float mean[2], deviation[2];
        double mu[2], log_sigma[2];
        rv_param_read_double(rv_params_find(f.model->params, "base.mu"), mu, 2);
        rv_param_read_double(rv_params_find(f.model->params, "base.log_sigma"), log_sigma, 2);
        assert_int_equal(rv_view_flow_base_moments(f.model, mean, deviation), RV_OK);
        for (int i = 0; i < 2; i++) {
            check_near((double)mean[i], mu[i], 1e-6, "mean");
            check_near((double)deviation[i], exp(log_sigma[i]), 1e-6, "deviation");
        }
        assert_true(rv_view_is_flow(f.model));
        assert_int_equal(rv_view_flow_stages(f.model), steps ? 3 : 0);
        assert_int_equal(rv_view_flow_base(f.model, 1, 1, mean), RV_OK);
        release(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kl_is_the_integral),
        cmocka_unit_test(a_kl_is_not_below_zero),
        cmocka_unit_test(training_comes_nearer_than_the_best_gaussian),
        cmocka_unit_test(draws_follow_the_density),
        cmocka_unit_test(the_energy_is_tempered),
        cmocka_unit_test(what_it_lacks_is_told),
        cmocka_unit_test(the_base_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
