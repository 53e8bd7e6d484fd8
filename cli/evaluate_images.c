/* reverie evaluate: how good the images and the encodings of a model are. */
#include "evaluate.h"

#include <stdio.h>

static rv_status give(cli_call *call, const rv_judgement *judgement)
{
    const char *output = cli_text(call, "output");
    json_t *object = json_object();
    cli_give(call, &object, &judgement->encodings);
    cli_give(call, &object, &judgement->images);
    if (judgement->pictures && call->json)
        rv_json_put(&object, "file", rv_json_text(output));
    else if (judgement->pictures)
        printf("%s: the images nearest to a training image, each above it\n", output);
    return cli_end(call, object, RV_OK);
}

rv_status evaluate_images(cli_call *call, rv_experiment *run)
{
    rv_judge_config config = rv_judge_defaults();
    rv_judgement *judgement;
    config.split = cli_split(call);
    config.seed = cli_seed(call);
    config.classifier = cli_text(call, "classifier");
    config.images = cli_text(call, "images");
    config.count = cli_integer_or(call, "count", config.images ? 0 : config.count);
    if (cli_text(call, "output"))
        config.pictures = 32;
    rv_status status = rv_experiment_judge(run, &config, &judgement);
    if (status != RV_OK)
        return status;
    if (config.images && config.count > 0)
        cli_say_fewer(call, config.count, (int64_t)rv_values_number(&judgement->images, "images"),
                      config.images);
    if (judgement->pictures)
        status = rv_image_save(call->context, judgement->pictures, cli_text(call, "output"));
    if (status == RV_OK)
        status = give(call, judgement);
    rv_judgement_free(judgement);
    return status;
}
