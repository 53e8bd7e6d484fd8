/* reverie figure: the figures of a run, by name. */
#include "experiment.h"
#include "reverie/figures.h"

#include <stdio.h>
#include <string.h>

enum { LATENT_IMAGES = 5000, SNAPSHOT_SCALE = 10, LEVELS_SCALE = 3 };

/* ---- the figures ---- */

static rv_status draw_curves(cli_call *call, rv_experiment *run)
{
    return cli_save_chart(call,
                          rv_experiment_curves_of(run, (rv_curves)cli_choice(call, "values")));
}

static rv_status draw_latent(cli_call *call, rv_experiment *run)
{
    return cli_save_chart(call, rv_experiment_latent_chart(run, cli_split(call), LATENT_IMAGES));
}

static rv_status draw_manifold(cli_call *call, rv_experiment *run)
{
    int64_t side = cli_integer(call, "grid");
    rv_status status = cli_check_grid(call, run, side * side, side);
    if (status != RV_OK)
        return status;
    return cli_save_image(call, rv_experiment_manifold(run, (int)side, cli_number(call, "extent")));
}

static rv_status draw_samples(cli_call *call, rv_experiment *run)
{
    int count = (int)cli_integer(call, "count");
    rv_status status = cli_check_grid(call, run, count, 8);
    if (status != RV_OK)
        return status;
    return cli_save_image(call, rv_experiment_samples(run, count, cli_seed(call)));
}

static rv_status draw_density(cli_call *call, rv_experiment *run)
{
    return cli_save_image(call, rv_experiment_density(run, cli_split(call), cli_seed(call)));
}

static rv_status draw_deformation(cli_call *call, rv_experiment *run)
{
    return cli_save_image(call, rv_experiment_deformation(run, cli_seed(call)));
}

static rv_status draw_interpolation(cli_call *call, rv_experiment *run)
{
    return cli_save_image(call, rv_experiment_interpolations(run, 6, 6, cli_seed(call)));
}

static rv_status draw_collage(cli_call *call, rv_experiment *run)
{
    rv_snapshot_collage collage = rv_snapshot_collage_defaults();
    collage.image = cli_integer(call, "image");
    collage.rows = (int)cli_integer(call, "rows");
    collage.columns = (int)cli_integer(call, "columns");
    collage.enlarge = (int)cli_integer_or(call, "scale", collage.enlarge);
    return cli_save_image(call, rv_experiment_collage(run, &collage));
}

static rv_status draw_snapshot(cli_call *call, rv_experiment *run)
{
    int are_points = rv_experiment_model(run)->sizes.are_points; /* whole snapshots */
    int64_t image = cli_integer_or(call, "image", are_points ? -1 : 0);
    int64_t step = cli_integer_or(call, "step", -1);
    int scale = (int)cli_integer_or(call, "scale", are_points ? 1 : SNAPSHOT_SCALE);
    return cli_save_image(call, rv_experiment_snapshot(run, image, step, scale));
}

/* GIF is not the default ending of the option. */
static const char *animation_path(const cli_call *call)
{
    return cli_given(call, "output") ? cli_text(call, "output") : "figure.gif";
}

static rv_status draw_animation(cli_call *call, rv_experiment *run)
{
    const char *path = animation_path(call);
    rv_snapshot_animation animation = rv_snapshot_animation_defaults();
    animation.image = cli_integer_or(call, "image", animation.image);
    animation.enlarge = (int)cli_integer_or(call, "scale", animation.enlarge);
    animation.delay = (int)cli_integer_or(call, "delay", animation.delay);
    rv_status status = rv_experiment_animation(run, path, &animation);
    return status == RV_OK ? cli_wrote(call, path) : status;
}

static rv_status draw_classes(cli_call *call, rv_experiment *run)
{
    int columns = (int)cli_integer_or(call, "columns", 10);
    return cli_save_image(call, rv_experiment_classes_image(run, columns, cli_seed(call)));
}

static rv_status draw_style(cli_call *call, rv_experiment *run)
{
    int rows = (int)cli_integer_or(call, "rows", 10);
    return cli_save_image(call, rv_experiment_style_image(run, cli_split(call), rows));
}

static rv_status draw_levels(cli_call *call, rv_experiment *run)
{
    int columns = (int)cli_integer_or(call, "columns", 10);
    int scale = (int)cli_integer_or(call, "scale", LEVELS_SCALE);
    return cli_save_image(call, rv_experiment_levels(run, columns, scale, cli_seed(call)));
}

/* `options` are those that the figure uses: any other given option is an error. */
static const struct figure {
    const char *name;
    rv_status (*draw)(cli_call *call, rv_experiment *run);
    const char *options, *endings;
} figures[] = {
    {"curves", draw_curves, "values|output|checkpoint", ".png|.svg"},
    {"latent", draw_latent, "split|output|checkpoint", ".png|.svg"},
    {"manifold", draw_manifold, "grid|extent|output|checkpoint", ".png"},
    {"samples", draw_samples, "count|seed|output|checkpoint", ".png"},
    {"density", draw_density, "split|seed|output|checkpoint", ".png"},
    {"deformation", draw_deformation, "seed|output|checkpoint", ".png"},
    {"reconstructions", cli_save_reconstructions, "count|split|output|checkpoint", ".png"},
    {"interpolation", draw_interpolation, "seed|output|checkpoint", ".png"},
    {"collage", draw_collage, "image|rows|columns|scale|output", ".png"},
    {"snapshot", draw_snapshot, "image|step|scale|output", ".png"},
    {"animation", draw_animation, "image|scale|delay|output", ".gif"},
    {"levels", draw_levels, "columns|scale|seed|output|checkpoint", ".png"},
    {"classes", draw_classes, "columns|seed|output|checkpoint", ".png"},
    {"style", draw_style, "rows|split|output|checkpoint", ".png"},
};

/* ---- the verb ---- */

static const struct figure *find(cli_call *call, const char *name)
{
    char names[256] = "";
    for (int i = 0; i < CLI_COUNT(figures); i++) {
        size_t used = strlen(names);
        if (strcmp(figures[i].name, name) == 0)
            return &figures[i];
        snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", figures[i].name);
    }
    rv_fail(call->context, RV_BAD_USAGE, "unknown figure `%.80s`; there are %s", name, names);
    return NULL;
}

static rv_status run_figure(cli_call *call)
{
    const struct figure *figure = find(call, call->argument[1]);
    if (!figure)
        return RV_BAD_USAGE;
    const char *unused = cli_unused(call, figure->options);
    if (unused)
        return rv_fail(call->context, RV_BAD_USAGE,
                       "figure %s does not use --%s; `reverie figure --help` says which one does",
                       figure->name, unused);
    int is_of_split = strstr(figure->options, "split") != NULL;
    int is_animation = strcmp(figure->endings, ".gif") == 0;
    rv_status status = cli_check_output(
        call, is_animation ? animation_path(call) : cli_text(call, "output"), figure->endings);
    return status == RV_OK ? cli_with_run(call, NULL, is_of_split, figure->draw) : status;
}

static const cli_option options[] = {
    CLI_INTEGER("count", 'n', "N", "64", 1, 65536, "samples, reconstructions: how many images"),
    CLI_SEED("samples, density, deformation, interpolation, classes, levels: of the draws"),
    CLI_CHOICE("split", "NAME", "test", "train|validation|test",
               "latent, density, reconstructions, style: images, or points, to take"),
    CLI_CHOICE("values", "KIND", "losses", RV_CURVES_CHOICES, "curves: of which values"),
    CLI_INTEGER("grid", 0, "N", "10", 1, 100, "manifold: images a side"),
    {"extent", 0, "A", RV_OPTION_NUMBER, "2", 0.01, 100, NULL, "manifold: from -A to A"},
    CLI_INTEGER(
        "image", 0, "K", NULL, 0, 1048576,
        "collage, snapshot: which image of the fixed noise, 0 when absent; animation: all of them"),
    CLI_INTEGER("rows", 0, "R", NULL, 1, 1000,
                "collage: 3 where there are 114 snapshots, else 5; style: 10"),
    CLI_INTEGER("columns", 0, "C", NULL, 1, 1000,
                "collage: 38 where there are 114 snapshots, else 5; classes, levels: 10"),
    CLI_INTEGER("step", 0, "N", NULL, 0, 9007199254740992.0,
                "snapshot: after which training step; the last when absent"),
    CLI_INTEGER(
        "scale", 0, "S", NULL, 1, 64,
        "pixels a pixel; by default collage 4, snapshot 10, levels 3, animation 4, or 2 for all "
        "images; of points 1"),
    CLI_INTEGER("delay", 0, "MS", NULL, 0, 60000,
                "animation: milliseconds a snapshot, in whole tens; when absent 80, or more where "
                "there are few, and a pause on the last"),
    CLI_OUTPUT("figure.png"),
    CLI_CHECKPOINT,
};
const cli_verb cli_verb_figure = {
    .name = "figure",
    .summary = "draw a figure of a run",
    .usage = "RUN NAME [-o FILE]",
    .example = "reverie figure runs/first latent -o latent.svg",
    .details =
        "NAME is curves (what training logged: see --values), latent (posterior means), manifold, "
        "samples, reconstructions, interpolation; of points of the plane: density (held-out "
        "points, the density, and draws), deformation (of a flow: the base's grid and draws, step "
        "by step); of several levels of latents: levels (draws; below, each row keeps one level "
        "more "
        "of the first, from the last down); of a model with classes: classes (a row for each, a "
        "column for each draw of z), "
        "style (test images, and each one's z in every class); or of the snapshots that training "
        "keeps of images from one fixed noise, or of the density of points (see train.snapshots): "
        "collage (one image over the training), snapshot (one image, large, or the density), "
        "animation (a GIF).  Charts (curves, latent) are written as FILE.png or FILE.svg.",
    CLI_OPTIONS(options),
    .arguments = {2, 2},
    .run = run_figure,
};
