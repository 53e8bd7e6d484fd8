/* reverie demo gradient-variance: the estimators of gradients through discrete latents. */
#include "demo.h"
#include "experiment.h"

#include "reverie/demo.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static json_t *row_json(const rv_demo_gradient_row *row)
{
    json_t *variance = json_array(), *draws = json_array();
    for (int k = 0; variance && draws && k < RV_DEMO_GRADIENT_DRAWS; k++) {
        json_array_append_new(draws, json_integer(row->draws[k]));
        json_array_append_new(variance, rv_json_number(row->variance[k]));
    }
    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "name", row->name + strspn(row->name, " "),
                     "draws", draws, "variance", variance, "bias", rv_json_number(row->bias),
                     "bias_by_chance", rv_json_number(row->bias_by_chance));
}

static json_t *as_json(const rv_demo_gradients_config *c, const rv_demo_gradient_row *row,
                       const char *path)
{
    json_t *rows = json_array();
    for (int r = 0; rows && r < RV_DEMO_GRADIENT_ROWS; r++)
        json_array_append_new(rows, row_json(&row[r]));
    return json_pack("{s:I, s:I, s:o, s:o}", "gradients", (json_int_t)c->count, "seed",
                     (json_int_t)c->seed, "estimators", rows, "file", rv_json_text(path));
}

static void print_number(double value, int width)
{
    if (isnan(value))
        printf("%*s", width, "-");
    else
        printf("%*.3g", width, value);
}

static void print(const rv_demo_gradients_config *c, const rv_demo_gradient_row *row,
                  const char *path)
{
    printf("6 binary latents, 8 images, %lld gradients of each; nats^2\n", (long long)c->count);
    printf("%-24s  variance of the mean of K draws\n", "");
    printf("%-24s", "estimator");
    for (int k = 0; k < RV_DEMO_GRADIENT_DRAWS; k++)
        printf("   K = %-2d", row[0].draws[k]);
    printf("     bias  by chance\n");
    for (int r = 0; r < RV_DEMO_GRADIENT_ROWS; r++) {
        printf("%-24s", row[r].name);
        for (int k = 0; k < RV_DEMO_GRADIENT_DRAWS; k++)
            print_number(row[r].variance[k], 9);
        print_number(row[r].bias, 9);
        print_number(row[r].bias_by_chance, 11);
        printf("\n");
    }
    printf(
        "Bias: how far the mean is from the ELBO's exact gradient, and how far chance alone would\n"
        "take it.  VIMCO is of another objective, L_K, without bias there.  The relaxed gradients\n"
        "are biased, less so when colder; the straight-through one at any temperature.\n");
    printf("%s\n", path);
}

static rv_status run(cli_call *call)
{
    rv_demo_gradients_config config = rv_demo_gradients_defaults();
    rv_demo_gradient_row row[RV_DEMO_GRADIENT_ROWS];
    rv_chart *chart;
    const char *path = cli_demo_output(call, "gradient-variance.png");
    config.count = cli_demo_count(call, config.count);
    config.seed = (uint64_t)cli_integer(call, "seed");
    rv_status status = rv_demo_gradients(call->context, &config, row, &chart);
    if (status == RV_OK)
        status = rv_chart_save(chart, path);
    rv_chart_free(chart);
    if (status != RV_OK)
        return status;
    if (call->json)
        return cli_print_json(call, as_json(&config, row, path));
    print(&config, row, path);
    return RV_OK;
}

const cli_demo cli_demo_gradient_variance = {
    .name = "gradient-variance",
    .about = "the variance of each gradient through discrete latents, and who is biased",
    .endings = ".png|.svg",
    .run = run,
};
