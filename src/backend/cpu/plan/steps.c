/* The schedule: a phase for the groups and kernels of each depth; the guard before the first
 * update; at the end the copies into parameters without an update in place. */
#include "backend/cpu/plan/plan.h"
#include "core/memory.h"

#include <stdio.h>
#include <string.h>

static cpu_value *value_of(const cpu_plan *plan, rv_expr node)
{
    return &plan->value[plan->work->position[node->id]];
}

/* ---- which updates can be in place ---- */

/* The reads of parameters by computing values: a chain for each parameter. */
typedef struct param_reads {
    int *first;                   /* [params] by the parameter's index; -1: none */
    int *value, *operand, *after; /* [reads] */
} param_reads;

static const rv_param *param_of(const cpu_plan *plan, const cpu_value *value)
{
    rv_expr node = plan->value[value->view.base].node;
    return node->op == RV_OP_param ? node->attribute.param.param : NULL;
}

static rv_status find_reads(cpu_plan *plan, param_reads *reads)
{
    int params = rv_params_made(plan->context), count = 0;
    for (int i = 0; i < plan->work->count; i++)
        count += plan->value[i].node->arity;
    reads->first = rv_malloc((size_t)(params + 1) * sizeof(int));
    reads->value = rv_malloc((size_t)(3 * count + 1) * sizeof(int));
    if (!reads->first || !reads->value)
        return rv_fail_memory(plan->context);
    reads->operand = reads->value + count;
    reads->after = reads->operand + count;
    for (int i = 0; i < params; i++)
        reads->first[i] = -1;
    int used = 0;
    for (int i = 0; i < plan->work->count; i++)
        for (int j = 0; j < plan->value[i].node->arity && plan->value[i].kind != CPU_VIEW; j++) {
            const rv_param *param = param_of(plan, value_of(plan, plan->value[i].node->operand[j]));
            if (!param)
                continue;
            reads->value[used] = i;
            reads->operand[used] = j;
            reads->after[used] = reads->first[param->index];
            reads->first[param->index] = used++;
        }
    return RV_OK;
}

/* Whether the old value is read when it may already be overwritten: at its depth or later, by
 * another group, or by this group after the writer or not straight. */
static int read_elsewhere(const cpu_plan *plan, const param_reads *reads, const rv_param *param,
                          int writer)
{
    int group = plan->value[writer].group;
    for (int r = reads->first[param->index]; r >= 0; r = reads->after[r]) {
        const cpu_value *value = &plan->value[reads->value[r]];
        const cpu_value *operand = value_of(plan, value->node->operand[reads->operand[r]]);
        if (value->depth < plan->value[writer].depth)
            continue;
        if (value->group != group || reads->value[r] > writer || operand->view.offset != 0 ||
            operand->size != value->size || !cpu_view_is_contiguous(&operand->view, operand->size))
            return 1;
    }
    return 0;
}

static rv_status demote_conflicts(cpu_plan *plan)
{
    param_reads reads = {NULL, NULL, NULL, NULL};
    rv_status status = find_reads(plan, &reads);
    for (int i = 0; status == RV_OK && i < plan->work->count; i++) {
        cpu_value *value = &plan->value[i];
        if (value->in_place >= 0 &&
            read_elsewhere(plan, &reads, plan->work->assign[value->in_place].param, i))
            value->in_place = -1;
    }
    rv_free(reads.first);
    rv_free(reads.value);
    return status;
}

/* ---- steps ---- */

static cpu_step *new_step(cpu_plan *plan, cpu_step_kind kind)
{
    if (plan->step_count == plan->step_capacity) {
        int capacity = plan->step_capacity ? 2 * plan->step_capacity : 64;
        cpu_step *grown = rv_realloc(plan->step, (size_t)capacity * sizeof *grown);
        if (!grown) {
            rv_fail_memory(plan->context);
            return NULL;
        }
        plan->step = grown;
        plan->step_capacity = capacity;
    }
    cpu_step *step = &plan->step[plan->step_count++];
    memset(step, 0, sizeof *step);
    step->kind = kind;
    step->phase = plan->phase;
    step->group = step->value = -1;
    return step;
}

static double bytes_of(const cpu_plan *plan, rv_expr node)
{
    return (double)value_of(plan, node)->size * sizeof(float);
}

/* Takes over the needs of the kernel.  A kernel without a count of operations is also listed
 * without bytes. */
static void take_wishes(cpu_plan *plan, cpu_step *step)
{
    const cpu_job *job = &step->job;
    size_t length = strlen(step->name);
    step->flops = job->flops;
    for (int i = -1; i < job->node->arity && job->flops > 0; i++)
        step->bytes += bytes_of(plan, i < 0 ? job->node : job->node->operand[i]);
    step->terms_at = plan->terms_used;
    plan->terms_used += job->terms * (size_t)plan->threads;
    plan->term_count = plan->terms_used > plan->term_count ? plan->terms_used : plan->term_count;
    if (job->node->arity > plan->most_operands)
        plan->most_operands = job->node->arity;
    if (job->about)
        snprintf(step->name + length, sizeof step->name - length, ", %s", job->about);
}

static cpu_step *new_kernel(cpu_plan *plan, const cpu_kernel *kernel, int at)
{
    cpu_step *step = new_step(plan, CPU_STEP_KERNEL);
    if (!step)
        return NULL;
    step->kernel = kernel;
    step->value = at;
    step->job = (cpu_job){.context = plan->context,
                          .tile = plan->tile,
                          .node = plan->value[at].node,
                          .threads = plan->threads};
    return step;
}

static rv_status add_kernel(cpu_plan *plan, int at)
{
    cpu_value *value = &plan->value[at];
    cpu_step *step = new_kernel(plan, value->kernel, at);
    char shape[96];
    if (!step)
        return RV_NO_MEMORY;
    value->step = plan->step_count - 1;
    snprintf(step->name, sizeof step->name, "%s%s%s %s", value->node->scope,
             value->node->scope[0] ? ": " : "", rv_op_table[value->node->op].name,
             rv_shape_text(value->node->shape, shape));
    rv_status status = value->kernel->plan(&step->job);
    if (status == RV_OK)
        take_wishes(plan, step);
    return status;
}

static double group_bytes(const cpu_plan *plan, const cpu_group *group)
{
    double elements = 0;
    for (int i = 0; i < group->slot_count; i++)
        if (group->slot[i].value >= 0)
            elements += (double)plan->value[group->slot[i].value].size;
    return elements * sizeof(float);
}

static rv_status add_group(cpu_plan *plan, int at)
{
    int number = plan->value[at].group;
    cpu_group *group = &plan->group[number];
    cpu_step *step = new_step(plan, CPU_STEP_GROUP);
    if (!step)
        return RV_NO_MEMORY;
    step->group = number;
    step->bytes = group_bytes(plan, group);
    rv_expr node = plan->value[at].node;
    snprintf(step->name, sizeof step->name, "%s%sfused %d ops on %lld", node->scope,
             node->scope[0] ? ": " : "", group->instruction_count, (long long)group->size);
    group->step = plan->step_count - 1;
    return RV_OK;
}

/* Adds up the partial results of the threads, of a group or a kernel. */
static rv_status add_combination(cpu_plan *plan, int of)
{
    int group = plan->step[of].group, value = plan->step[of].value;
    int64_t count = group >= 0 ? plan->group[group].partials : plan->value[value].size;
    size_t terms = plan->step[of].job.terms, terms_at = plan->step[of].terms_at;
    int term_count = plan->step[of].job.term_count;
    cpu_step *step = group >= 0 ? new_step(plan, CPU_STEP_COMBINE)
                                : new_kernel(plan, plan->step[of].kernel->after, value);
    if (!step)
        return RV_NO_MEMORY;
    step->group = group;
    step->job.terms = terms;
    step->job.term_count = term_count;
    step->job.is_shared = group < 0;
    step->terms_at = terms_at;
    step->bytes = 4.0 * (plan->threads + 1) * (double)count;
    snprintf(step->name, sizeof step->name, "%s of %lld", group >= 0 ? "partial sums" : "terms",
             (long long)count);
    return RV_OK;
}

/* Partial results or terms of threads are combined in a separate phase. */
static rv_status add_combinations(cpu_plan *plan, int first)
{
    int last = plan->step_count, phase = plan->phase;
    rv_status status = RV_OK;
    for (int i = first; status == RV_OK && i < last; i++) {
        int group = plan->step[i].group;
        if (plan->step[i].job.terms == 0 && (group < 0 || plan->group[group].partials == 0))
            continue;
        plan->phase = phase + 1;
        status = add_combination(plan, i);
    }
    return status;
}

/* The nodes of each depth: order[start[depth]], ..., in the order of the program. */
typedef struct depths {
    int *order; /* [count] */
    int *start; /* [last_depth + 2] */
} depths;

static int has_depth(const cpu_plan *plan, int at)
{
    return plan->value[at].depth >= 0 && plan->value[at].depth <= plan->last_depth;
}

static rv_status sort_by_depth(cpu_plan *plan, depths *d)
{
    int count = plan->work->count, all = plan->last_depth + 1;
    d->start = rv_calloc((size_t)all + 2, sizeof *d->start);
    d->order = rv_malloc(((size_t)count + 1) * sizeof *d->order);
    if (!d->start || !d->order)
        return rv_fail_memory(plan->context);
    for (int i = 0; i < count; i++)
        if (has_depth(plan, i))
            d->start[plan->value[i].depth + 2]++;
    for (int i = 0; i < all; i++)
        d->start[i + 2] += d->start[i + 1];
    for (int i = 0; i < count; i++)
        if (has_depth(plan, i))
            d->order[d->start[plan->value[i].depth + 1]++] = i;
    return RV_OK;
}

static rv_status add_depth(cpu_plan *plan, const depths *d, int depth)
{
    int first = plan->step_count;
    plan->phase++;
    plan->terms_used = 0; /* those of the previous depth are already added */
    for (int k = d->start[depth]; k < d->start[depth + 1]; k++) {
        int i = d->order[k];
        const cpu_value *value = &plan->value[i];
        rv_status status = RV_OK;
        if (value->group >= 0 && plan->group[value->group].step < 0)
            status = add_group(plan, i);
        else if (value->group < 0 && value->step < 0 && value->kind == CPU_KERNEL)
            status = add_kernel(plan, i);
        if (status != RV_OK)
            return status;
    }
    return add_combinations(plan, first);
}

/* ---- the thread of each step, and the meetings ---- */

/* Instructions times elements, roughly. */
static double cost_of(const cpu_plan *plan, const cpu_step *step)
{
    if (step->kind == CPU_STEP_GROUP)
        return (double)(plan->group[step->group].size * plan->group[step->group].work);
    return step->flops > 0 ? step->flops / 16 : 1000;
}

static int is_shared(const cpu_plan *plan, const cpu_step *step)
{
    return step->kind == CPU_STEP_GUARD || step->job.is_shared ||
           (step->kind == CPU_STEP_GROUP && plan->group[step->group].threads > 1);
}

static int idlest(const double *load, int threads)
{
    int best = 0;
    for (int thread = 1; thread < threads; thread++)
        best = load[thread] < load[best] ? thread : best;
    return best;
}

static int is_first(const cpu_plan *plan, int step)
{
    return step == 0 || plan->step[step].phase != plan->step[step - 1].phase;
}

/* Less cost than this is not worth a meeting. */
enum { SMALL = 12 * 1024 };

/* Whether one thread does the phase that begins here: a meeting would cost more than a second
 * thread saves. */
static int is_small(const cpu_plan *plan, int first)
{
    double cost = 0;
    for (int i = first; i < plan->step_count && plan->step[i].phase == plan->step[first].phase; i++)
        cost += is_shared(plan, &plan->step[i]) ? 2 * SMALL : cost_of(plan, &plan->step[i]);
    return cost < SMALL;
}

/* Kernels on one thread with shared memory use one buffer, so thread 0 runs them. */
static rv_status choose_owners(cpu_plan *plan)
{
    size_t bytes = (size_t)plan->threads * sizeof(double);
    double *load = rv_calloc(1, bytes);
    if (!load)
        return rv_fail_memory(plan->context);
    int alone = 0;
    for (int i = 0; i < plan->step_count; i++) {
        cpu_step *step = &plan->step[i];
        if (is_first(plan, i)) {
            memset(load, 0, bytes);
            alone = is_small(plan, i);
        }
        step->owner = is_shared(plan, step)           ? -1
                      : alone || step->job.shared > 0 ? 0
                                                      : idlest(load, plan->threads);
        if (step->owner >= 0)
            load[step->owner] += cost_of(plan, step);
    }
    rv_free(load);
    return RV_OK;
}

/* The one owner of all steps of the phase that begins at `first`; -1 when there are several. */
static int owner_of_phase(const cpu_plan *plan, int first)
{
    int owner = plan->step[first].owner;
    for (int i = first; i < plan->step_count && plan->step[i].phase == plan->step[first].phase; i++)
        owner = plan->step[i].owner == owner ? owner : -1;
    return owner;
}

/* Threads meet between phases, and before a step that uses the shared buffer.  Phases for a single
 * thread are part of a meeting: they need no second one. */
static void choose_meetings(cpu_plan *plan)
{
    for (int i = 0; i < plan->step_count; i++) {
        cpu_step *step = &plan->step[i], *before = i > 0 ? step - 1 : NULL;
        if (is_first(plan, i)) {
            step->is_serial = plan->threads > 1 && owner_of_phase(plan, i) >= 0;
            step->waits = before && !before->is_serial;
        } else {
            step->is_serial = before->is_serial;
            step->waits = step->job.is_shared && step->job.shared > 0;
        }
    }
}

static int is_in_place(const cpu_plan *plan, int assignment)
{
    return value_of(plan, plan->work->assign[assignment].value)->in_place == assignment;
}

/* The last step that reads each value; results of the program are read after the last step. */
static void find_last_uses(cpu_plan *plan)
{
    const rv_work *work = plan->work;
    for (int i = 0; i < work->count; i++) {
        const cpu_value *value = &plan->value[i];
        for (int j = 0; j < value->node->arity && value->kind != CPU_VIEW; j++) {
            cpu_value *base = &plan->value[value_of(plan, value->node->operand[j])->view.base];
            base->last_use = value->step > base->last_use ? value->step : base->last_use;
        }
    }
    for (int i = 0; i < work->output_count; i++)
        plan->value[value_of(plan, work->output[i])->view.base].last_use = plan->step_count;
    for (int i = 0; i < work->assign_count; i++)
        plan->value[value_of(plan, work->assign[i].value)->view.base].last_use = plan->step_count;
    if (work->guard)
        plan->value[value_of(plan, work->guard)->view.base].last_use = plan->step_count;
}

/* The guard, before the first update and in its phase: every thread checks it before it begins. */
static rv_status add_guard(cpu_plan *plan)
{
    plan->phase++;
    cpu_step *guard = new_step(plan, CPU_STEP_GUARD);
    plan->phase--;
    if (!guard)
        return RV_NO_MEMORY;
    snprintf(guard->name, sizeof guard->name, "guard");
    return RV_OK;
}

/* The copies into parameters without an update in place. */
static rv_status add_commits(cpu_plan *plan)
{
    plan->phase++;
    for (int i = 0; i < plan->work->assign_count; i++) {
        if (is_in_place(plan, i))
            continue;
        cpu_step *step = new_step(plan, CPU_STEP_COMMIT);
        if (!step)
            return RV_NO_MEMORY;
        step->value = i;
    }
    return RV_OK;
}

static rv_status add_steps(cpu_plan *plan, const depths *d)
{
    rv_status status = RV_OK;
    int is_guarded = plan->work->guard == NULL;
    for (int g = 0; g < plan->group_count; g++)
        plan->group[g].step = -1;
    for (int depth = 0; status == RV_OK && depth <= plan->last_depth; depth++) {
        if (!is_guarded && depth == plan->guard_depth + 1) {
            status = add_guard(plan);
            is_guarded = 1;
        }
        if (status == RV_OK)
            status = add_depth(plan, d, depth);
    }
    for (int i = 0; status == RV_OK && i < plan->work->count; i++)
        if (plan->value[i].group >= 0)
            plan->value[i].step = plan->group[plan->value[i].group].step;
    if (status == RV_OK && !is_guarded)
        status = add_guard(plan);
    return status == RV_OK ? add_commits(plan) : status;
}

rv_status cpu_plan_steps(cpu_plan *plan)
{
    depths d = {NULL, NULL};
    rv_status status = demote_conflicts(plan);
    if (status == RV_OK)
        status = sort_by_depth(plan, &d);
    if (status == RV_OK)
        status = add_steps(plan, &d);
    rv_free(d.order);
    rv_free(d.start);
    if (status == RV_OK)
        status = choose_owners(plan);
    if (status != RV_OK)
        return status;
    choose_meetings(plan);
    find_last_uses(plan);
    return RV_OK;
}
