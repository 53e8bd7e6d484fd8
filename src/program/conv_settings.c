/* How the algorithms of convolutions are set, remembered and recorded.  What the choices mean is
 * the backend's; here they are lines of text. */
#include "core/algorithm_choices.h"
#include "core/context.h"
#include "core/memory.h"
#include "reverie/program.h"

#include <string.h>

static const char *const names[] = {"auto", "direct", "transform"};
enum { POLICIES = sizeof names / sizeof *names };

const char *rv_conv_policy_name(rv_conv_policy policy)
{
    return (unsigned)policy < POLICIES ? names[policy] : NULL;
}

/* Choices are those of one policy. */
static void set_policy(rv_context *context, rv_conv_policy policy)
{
    if (context->conv_policy != (int)policy)
        rv_choices_clear(&context->choices);
    context->conv_policy = (int)policy;
}

rv_status rv_context_set_conv(rv_context *context, rv_conv_policy policy)
{
    if (!rv_conv_policy_name(policy))
        return rv_fail(context, RV_BAD_USAGE,
                       "%d is no way to choose a convolution's algorithm; RV_CONV_AUTO, "
                       "RV_CONV_DIRECT and RV_CONV_TRANSFORM are",
                       (int)policy);
    set_policy(context, policy);
    context->conv_is_given = 1;
    return RV_OK;
}

rv_conv_policy rv_context_conv(const rv_context *context)
{
    return (rv_conv_policy)context->conv_policy;
}

void rv_context_set_conv_memory(rv_context *context, size_t bytes)
{
    context->conv_memory = bytes;
}

size_t rv_context_conv_memory(const rv_context *context)
{
    return context->conv_memory;
}

void rv_context_set_conv_measuring(rv_context *context, int on)
{
    context->conv_measures = on != 0;
}

int rv_context_conv_measuring(const rv_context *context)
{
    return context->conv_measures;
}

/* ---- choices as text ---- */

static int any(const rv_choice *row)
{
    (void)row;
    return 1;
}

static int in_use(const rv_choice *row)
{
    return row->in_use;
}

static int is_new(const rv_choice *row)
{
    return row->is_new;
}

/* "key\tvalue\n" of the rows that are wanted. */
static const char *write_choices(rv_context *context, int (*wanted)(const rv_choice *row))
{
    const rv_choices *choices = &context->choices;
    size_t bytes = 1;
    for (int i = 0; i < choices->count; i++)
        bytes += strlen(choices->row[i].key) + strlen(choices->row[i].value) + 2;
    char *text = rv_malloc(bytes), *at = text;
    if (!text) {
        rv_fail_memory(context);
        return NULL;
    }
    for (int i = 0; i < choices->count; i++) {
        if (!wanted(&choices->row[i]))
            continue;
        at = stpcpy(stpcpy(at, choices->row[i].key), "\t");
        at = stpcpy(stpcpy(at, choices->row[i].value), "\n");
    }
    *at = '\0';
    rv_free(context->choices_text);
    return context->choices_text = text;
}

const char *rv_context_conv_choices(rv_context *context)
{
    return write_choices(context, any);
}

const char *rv_context_conv_record(rv_context *context)
{
    return write_choices(context, in_use);
}

const char *rv_context_conv_news(rv_context *context)
{
    return write_choices(context, is_new);
}

/* ---- and from text ---- */

/* Cuts the line at `line`, which this changes, into its key and its value; gives the next line, or
 * NULL when the line is malformed. */
static char *cut_line(char *line, char **value)
{
    char *end = strchr(line, '\n'), *tab = strchr(line, '\t');
    if (!end || !tab || tab > end)
        return NULL;
    *end = *tab = '\0';
    *value = tab + 1;
    return rv_choice_is_text(line) && rv_choice_is_text(*value) ? end + 1 : NULL;
}

/* Every line is looked at before the first is added. */
static rv_status read_lines(rv_context *context, char *copy, const char *name, int used)
{
    char *value, *next;
    int number = 0;
    for (char *line = copy; *line; line = next) {
        number++;
        next = cut_line(line, &value);
        if (!next)
            return rv_fail(context, RV_BAD_FILE,
                           "%s:%d: no line of a key, a tab and a value; the file is damaged", name,
                           number);
    }
    rv_status status = RV_OK;
    for (char *line = copy; status == RV_OK && number > 0; number--) {
        value = line + strlen(line) + 1;
        status = rv_choice_give(context, line, value, used);
        line = value + strlen(value) + 1;
    }
    return status;
}

static rv_status read_choices(rv_context *context, const char *text, const char *name, int used)
{
    char *copy = rv_strdup(text); /* it may be the context's own */
    rv_status status = copy ? read_lines(context, copy, name, used) : rv_fail_memory(context);
    rv_free(copy);
    return status;
}

rv_status rv_context_set_conv_choices(rv_context *context, const char *text, const char *name)
{
    return read_choices(context, text, name, 0);
}

/* ---- the record of a run ---- */

rv_status rv_context_follow_conv(rv_context *context, const char *policy, const char *record,
                                 const char *name)
{
    int wanted = 0;
    policy = policy ? policy : names[RV_CONV_DIRECT];
    while (wanted < POLICIES && strcmp(names[wanted], policy) != 0)
        wanted++;
    if (wanted == POLICIES)
        return rv_fail(context, RV_BAD_FILE,
                       "%s: its convolutions were computed by `%.40s`, which is unknown here", name,
                       policy);
    if (context->conv_is_given && context->conv_policy != wanted) {
        rv_notify(context, RV_LOG_WARNING,
                  "the run was trained with --conv %s, this is %s: it goes on, but where it has "
                  "convolutions not bit for bit (--conv %s would)",
                  policy, names[context->conv_policy], policy);
        return RV_OK;
    }
    set_policy(context, (rv_conv_policy)wanted);
    return record ? read_choices(context, record, name, 1) : RV_OK;
}
