/* Learning curves: the values of metrics.jsonl, in one chart for each kind of value. */
#include "figures/curves.h"

#include "core/memory.h"
#include "core/text.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME = 48, CURVES_MOST = 96 };

/* The origin of a value, in the order of the chart. */
typedef enum origin { RUNNING, EPOCH, HELD_OUT, ORIGINS } origin;
static const char *const events[ORIGINS] = {"train", "epoch", "evaluation"};

/* A value over the training. */
typedef struct curve {
    char name[NAME];
    origin from;
    double *x, *y; /* [count] of [room]; x in epochs */
    int64_t count, room;
} curve;

struct run_curves {
    rv_context *context;
    curve curve[CURVES_MOST];
    int count;
    double steps_an_epoch; /* 0: no epoch has ended, and the unit of x is a step */
    const char *held_out;  /* name of the split */
    int is_annealed;       /* the weight of the energy grows */
};

/* ---- kinds ---- */

typedef struct kind {
    const char *title, *unit;
} kind;
static const kind kinds[RV_CURVES_KINDS] = {
    {"Loss", "nats per example"},
    {"Reconstruction", "nats per example"},
    {"KL", "nats per example"},
    {"Critic", "units of the critic"},
    {"Scores", "from 0 to 1"},
    {"Diversity of the samples", "relative to the images' own"},
    {"Length of the gradient", "norm"},
    {"Learning rate", ""},
    {"Other values", ""},
};

static rv_curves kind_of(const char *name)
{
    static const struct {
        const char *name;
        rv_curves kind;
    } known[] = {{"loss", RV_CURVES_LOSSES},
                 {"reconstruction", RV_CURVES_RECONSTRUCTION},
                 {"kl", RV_CURVES_KL},
                 {"free_energy", RV_CURVES_KL},
                 {"distance", RV_CURVES_DISTANCE},
                 {"penalty", RV_CURVES_DISTANCE},
                 {"accuracy", RV_CURVES_SCORES},
                 {"real_score", RV_CURVES_SCORES},
                 {"fake_score", RV_CURVES_SCORES},
                 {"at_clip", RV_CURVES_SCORES},
                 {"diversity", RV_CURVES_DIVERSITY},
                 {"lr", RV_CURVES_RATE}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].kind;
    if (strncmp(name, "kl_", 3) == 0)
        return RV_CURVES_KL;
    if (rv_ends_with(name, "_loss"))
        return RV_CURVES_LOSSES;
    return rv_ends_with(name, "_gradient") ? RV_CURVES_GRADIENTS : RV_CURVES_OTHER;
}

/* ---- reading ---- */

/* The index of a curve, or the next free index. */
static int place_of(const run_curves *curves, const char *name, origin from)
{
    int at = 0;
    while (at < curves->count &&
           (curves->curve[at].from != from || strcmp(curves->curve[at].name, name) != 0))
        at++;
    return at;
}

static curve *curve_of(run_curves *curves, const char *name, origin from)
{
    int at = place_of(curves, name, from);
    if (at < curves->count)
        return &curves->curve[at];
    if (at == CURVES_MOST || strlen(name) >= NAME)
        return NULL;
    curve *made = &curves->curve[curves->count++];
    strcpy(made->name, name);
    made->from = from;
    return made;
}

static rv_status add_point(run_curves *curves, curve *c, double x, double y)
{
    if (c->count == c->room) {
        int64_t room = 2 * c->room + 256;
        double *grown_x = rv_realloc(c->x, (size_t)room * sizeof *grown_x);
        c->x = grown_x ? grown_x : c->x;
        double *grown_y = rv_realloc(c->y, (size_t)room * sizeof *grown_y);
        c->y = grown_y ? grown_y : c->y;
        if (!grown_x || !grown_y)
            return rv_fail_memory(curves->context);
        c->room = room;
    }
    c->x[c->count] = x;
    c->y[c->count++] = y;
    return RV_OK;
}

const char *run_curves_common(const char *name, double *sign)
{
    *sign = strcmp(name, "elbo") == 0 || strcmp(name, "log_likelihood") == 0 ? -1 : 1;
    return *sign < 0 || strcmp(name, "cross_entropy") == 0 ? "loss" : name;
}

/* Points within epochs are at fractional epochs. */
static rv_status take_line(void *user, json_t *line)
{
    run_curves *curves = user;
    const char *event = json_string_value(json_object_get(line, "event")), *key;
    json_t *value;
    int from = 0;
    rv_status status = RV_OK;
    while (from < ORIGINS && (!event || strcmp(event, events[from]) != 0))
        from++;
    if (from == ORIGINS)
        return RV_OK;
    double step = json_number_value(json_object_get(line, "step"));
    double x = curves->steps_an_epoch > 0 ? step / curves->steps_an_epoch : step;
    json_object_foreach(line, key, value)
    {
        double sign;
        int is_value = json_is_real(value) || json_is_null(value);
        curve *c = is_value ? curve_of(curves, run_curves_common(key, &sign), (origin)from) : NULL;
        if (c && status == RV_OK)
            status =
                add_point(curves, c, x, json_is_real(value) ? sign * json_real_value(value) : NAN);
    }
    return status;
}

/* Steps in an epoch, from the line of the first epoch. */
static rv_status take_epoch(void *user, json_t *line)
{
    run_curves *curves = user;
    const char *event = json_string_value(json_object_get(line, "event"));
    if (curves->steps_an_epoch <= 0 && event && strcmp(event, "epoch") == 0)
        curves->steps_an_epoch = json_number_value(json_object_get(line, "step")) /
                                 fmax(1, json_number_value(json_object_get(line, "epoch")));
    return RV_OK;
}

/* Of a model fitted to an energy: whether its weight begins below 1. */
static int is_annealed(const rv_model *model)
{
    rv_scalar_input scalar[RV_SCALARS_MOST];
    return model && model->sizes.energy > 0 && model->kind->schedule &&
           model->kind->schedule(model, (rv_moment){0}, scalar) > 0 && scalar[0].value < 1;
}

rv_status run_curves_read(rv_experiment *run, run_curves **out)
{
    static const char name[] = "metrics.jsonl";
    *out = NULL;
    run_curves *curves = rv_calloc(1, sizeof *curves);
    if (!curves)
        return rv_fail_memory(run->context);
    curves->context = run->context;
    curves->held_out = rv_split_name(run_held_out(run->settings));
    curves->is_annealed = is_annealed(run->model);
    rv_status status = run_each_line(run->context, run->folder, name, take_epoch, curves);
    if (status == RV_OK)
        status = run_each_line(run->context, run->folder, name, take_line, curves);
    if (status == RV_OK)
        *out = curves;
    else
        run_curves_free(curves);
    return status;
}

void run_curves_free(run_curves *curves)
{
    if (!curves)
        return;
    for (int i = 0; i < curves->count; i++) {
        rv_free(curves->curve[i].x);
        rv_free(curves->curve[i].y);
    }
    rv_free(curves);
}

/* ---- charts ---- */

int run_curves_has(const run_curves *curves, rv_curves which)
{
    for (int i = 0; i < curves->count; i++)
        if (kind_of(curves->curve[i].name) == which)
            return 1;
    return 0;
}

int run_curves_change(const run_curves *curves, rv_curves which)
{
    for (int i = 0; i < curves->count; i++)
        for (int64_t k = 1; k < curves->curve[i].count; k++)
            if (kind_of(curves->curve[i].name) == which &&
                curves->curve[i].y[k] != curves->curve[i].y[0])
                return 1;
    return 0;
}

static const curve *find(const run_curves *curves, const char *name, origin from)
{
    int at = place_of(curves, name, from);
    return at < curves->count ? &curves->curve[at] : NULL;
}

/* The number of values of a kind, each counted once. */
static int names_of(const run_curves *curves, rv_curves which)
{
    int count = 0;
    for (int i = 0; i < curves->count; i++) {
        const curve *c = &curves->curve[i];
        int seen = 0;
        for (int j = 0; j < i; j++)
            seen |= strcmp(curves->curve[j].name, c->name) == 0;
        count += !seen && kind_of(c->name) == which;
    }
    return count;
}

/* A value is drawn between its epochs if it was logged more often than once an epoch; of several
 * values, each is drawn once. */
static int is_drawn(const run_curves *curves, const curve *c, int alone)
{
    const curve *running = find(curves, c->name, RUNNING), *epoch = find(curves, c->name, EPOCH);
    int is_dense = running && (!epoch || running->count > epoch->count);
    if (c->from == RUNNING)
        return is_dense;
    return c->from == HELD_OUT || alone || !is_dense;
}

/* The name of a value in words. */
static void words_of(const char *name, char words[NAME])
{
    snprintf(words, NAME, "%s", name);
    for (char *at = words; *at; at++)
        *at = (char)(*at == '_' ? ' ' : *at);
}

static void label_of(const run_curves *curves, const curve *c, int alone, char label[2 * NAME])
{
    static const char *const trained[] = {"training, running", "training, epoch"};
    char words[NAME];
    words_of(c->name, words);
    if (alone)
        snprintf(label, 2 * NAME, "%s", c->from == HELD_OUT ? curves->held_out : trained[c->from]);
    else if (c->from == HELD_OUT)
        snprintf(label, 2 * NAME, "%s, %s", words, curves->held_out);
    else
        snprintf(label, 2 * NAME, "%s", words);
}

/* The title of a chart of scores and the like is the name of the value, if there is only one. */
static const char *title_of(const run_curves *curves, rv_curves which, char title[NAME])
{
    if (which == RV_CURVES_LOSSES && curves->is_annealed)
        return "Loss, in which the weight of the energy grows";
    if (which == RV_CURVES_KL && place_of(curves, "free_energy", EPOCH) < curves->count)
        return "KL(q || p) and free energy";
    int wants_name = which == RV_CURVES_DISTANCE || which == RV_CURVES_SCORES;
    if (!wants_name || names_of(curves, which) != 1)
        return kinds[which].title;
    for (int i = 0; i < curves->count; i++)
        if (kind_of(curves->curve[i].name) == which)
            words_of(curves->curve[i].name, title);
    title[0] = (char)(title[0] >= 'a' && title[0] <= 'z' ? title[0] - 'a' + 'A' : title[0]);
    return title;
}

rv_chart *run_curves_chart(run_curves *curves, rv_curves which)
{
    char title[NAME], label[2 * NAME];
    int alone = names_of(curves, which) == 1;
    rv_chart_config config = rv_chart_defaults();
    config.title = title_of(curves, which, title);
    config.x_label = curves->steps_an_epoch > 0 ? "epoch" : "step";
    config.y_label = kinds[which].unit;
    if (which == RV_CURVES_LOSSES && find(curves, "critic_loss", RUNNING))
        config.y_label = kinds[RV_CURVES_DISTANCE].unit;
    rv_chart *chart = rv_chart_new(curves->context, &config);
    for (int from = 0; chart && from < ORIGINS; from++)
        for (int i = 0; i < curves->count; i++) {
            const curve *c = &curves->curve[i];
            if ((int)c->from != from || kind_of(c->name) != which || !is_drawn(curves, c, alone))
                continue;
            label_of(curves, c, alone, label);
            rv_chart_line(chart, label, c->x, c->y, c->count);
        }
    if (chart && rv_error_status(curves->context) != RV_OK) {
        rv_chart_free(chart);
        return NULL;
    }
    return chart;
}

/* ---- the public face ---- */

/* "losses, scores" */
static void list_kinds(const run_curves *curves, char *text, size_t bytes)
{
    text[0] = '\0';
    for (int i = 0; i < RV_CURVES_KINDS; i++) {
        size_t used = strlen(text);
        if (run_curves_has(curves, (rv_curves)i))
            snprintf(text + used, bytes - used, "%s%s", used > 0 ? ", " : "",
                     run_curves_name((rv_curves)i));
    }
}

rv_chart *rv_experiment_curves_of(rv_experiment *run, rv_curves which)
{
    char there[160];
    run_curves *curves;
    rv_chart *chart = NULL;
    if (run_curves_read(run, &curves) != RV_OK)
        return NULL;
    list_kinds(curves, there, sizeof there);
    if (run_curves_has(curves, which))
        chart = run_curves_chart(curves, which);
    else if (!there[0])
        rv_fail(run->context, RV_BAD_FILE, "%s/metrics.jsonl: has no values to draw", run->folder);
    else
        rv_fail(run->context, RV_BAD_USAGE, "%s logs no %s; it logs %s", run->folder,
                run_curves_name(which), there);
    run_curves_free(curves);
    return chart;
}

rv_chart *rv_experiment_curves(rv_experiment *run)
{
    return rv_experiment_curves_of(run, RV_CURVES_LOSSES);
}
