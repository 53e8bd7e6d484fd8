/* reverie demo importance-sampling: the mean of N(5, 1) from draws of N(1, 3^2). */
#include "demo.h"
#include "experiment.h"

#include "reverie/demo.h"

#include <stdio.h>

static json_t *as_json(const rv_demo_importance_config *c, const rv_demo_importance_result *r,
                       const char *path)
{
    json_t *object =
        json_pack("{s:I, s:I}", "draws", (json_int_t)c->draws, "seed", (json_int_t)c->seed);
    const struct {
        const char *name;
        double value;
    } values[] = {
        {"estimate", r->estimate},
        {"estimate_error", r->estimate_error},
        {"self_normalised", r->self_normalised},
        {"self_normalised_error", r->self_normalised_error},
        {"truth", c->p_mean},
        {"effective", r->effective},
        {"effective_share", r->effective_share},
        {"expected_share", r->expected_share},
        {"weight_square", r->weight_square},
        {"mean_weight", r->mean_weight},
        {"largest_share", r->largest_share},
    };
    for (int i = 0; object && i < CLI_COUNT(values); i++)
        json_object_set_new(object, values[i].name, rv_json_number(values[i].value));
    if (object)
        json_object_set_new(object, "file", rv_json_text(path));
    return object;
}

static void print(const rv_demo_importance_config *c, const rv_demo_importance_result *r,
                  const char *path)
{
    printf("E_p[z] by %lld draws of q;  p = N(%g, %g^2), q = N(%g, %g^2), w = p(z) / q(z)\n",
           (long long)c->draws, c->p_mean, c->p_deviation, c->q_mean, c->q_deviation);
    printf("  truth              %9.4f\n", c->p_mean);
    printf("  mean of w z        %9.4f  +- %.4f  (unbiased)\n", r->estimate, r->estimate_error);
    printf("  self-normalised    %9.4f  +- %.4f  (the weights sum to 1)\n", r->self_normalised,
           r->self_normalised_error);
    printf("  effective draws    %9.1f  = %.1f%% of them: (sum w)^2 / sum w^2\n", r->effective,
           100 * r->effective_share);
    printf("  expected           %9.1f  = %.1f%%: 1 / E_q[w^2], E_q[w^2] = %.4f in closed form\n",
           r->expected_share * (double)c->draws, 100 * r->expected_share, r->weight_square);
    printf("  mean of w          %9.4f  1 in expectation\n", r->mean_weight);
    printf("  largest w          %8.3f%%  of the sum of all\n", 100 * r->largest_share);
    printf("%s\n", path);
}

static rv_status run(cli_call *call)
{
    rv_demo_importance_config config = rv_demo_importance_defaults();
    rv_demo_importance_result result;
    rv_chart *chart;
    const char *path = cli_demo_output(call, "importance-sampling.png");
    config.draws = cli_demo_count(call, config.draws);
    config.seed = (uint64_t)cli_integer(call, "seed");
    rv_status status = rv_demo_importance(call->context, &config, &result, &chart);
    if (status == RV_OK)
        status = rv_chart_save(chart, path);
    rv_chart_free(chart);
    if (status != RV_OK)
        return status;
    if (call->json)
        return cli_print_json(call, as_json(&config, &result, path));
    print(&config, &result, path);
    return RV_OK;
}

const cli_demo cli_demo_importance_sampling = {
    .name = "importance-sampling",
    .about = "the mean of N(5, 1) from weighted draws of N(1, 3^2), and how many they are worth",
    .endings = ".png|.svg",
    .run = run,
};
