/* A ring of prepared batches: one thread fills it and the caller empties it; or a single slot that
 * the caller fills.
 *
 * There are three slots: one is with the caller, and two are ready or being filled.  Both sides
 * sleep on a condition when they have nothing to do, so that a waiting loader takes no processor
 * time.  Only the counts are shared; a slot belongs to one side at a time. */
#include "core/fork.h"
#include "core/memory.h"
#include "data/order.h"
#include "data/source.h"

#include <pthread.h>
#include <signal.h>

enum { SLOTS = 3 };
/* The last epoch to start at: the epochs after it do not overflow. */
static const long long EPOCH_MOST = 1LL << 53;

typedef struct slot {
    float *images;    /* [B,D] */
    int32_t *labels;  /* [B] */
    int64_t *indices; /* [B] */
    rv_batch batch;
} slot;

struct rv_loader {
    rv_context *context;
    rv_source *source;
    rv_loader_config config;
    int64_t batches; /* in one epoch */
    slot slots[SLOTS];

    /* Used only by the thread: the next batch. */
    uint32_t *order;                         /* [N] of `order_epoch`; NULL when not shuffled */
    int64_t epoch, next, index, order_epoch; /* next: the next image of the epoch */

    /* Shared, under `lock`.  Batch number k lies in slot k % SLOTS. */
    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    int64_t made;     /* batches filled by the thread */
    int64_t taken;    /* batches handed to the caller */
    int64_t returned; /* batches whose slots are free again: taken, or one fewer */
    int stopping;
    pthread_t thread;
    unsigned generation; /* of the thread and the lock (core/fork.h) */
};

rv_loader_config rv_loader_defaults(const rv_source *source)
{
    return (rv_loader_config){.batch = source->info.batch,
                              .seed = 1,
                              .shuffle = 1,
                              .drop_last = 0,
                              .ahead = rv_context_threads(source->context) < rv_processors()};
}

/* The number of images in all batches of an epoch. */
static int64_t count_of(const rv_source *source, const rv_loader_config *config)
{
    return config->only ? config->only_count : source->info.count;
}

/* Fills one slot with the next batch. */
static void fill_slot(rv_loader *loader, slot *s)
{
    const rv_loader_config *config = &loader->config;
    int64_t all = count_of(loader->source, config);
    int64_t first = loader->next, left = all - first;
    int64_t count = left < config->batch ? left : config->batch;
    if (loader->order && loader->order_epoch != loader->epoch) {
        rv_order_shuffle(config->seed, loader->epoch, all, loader->order);
        loader->order_epoch = loader->epoch;
    }
    for (int64_t i = 0; i < count; ++i) {
        int64_t at = loader->order ? loader->order[first + i] : first + i;
        s->indices[i] = config->only ? config->only[at] : at;
    }
    left -= count;
    int last = left == 0 || (config->drop_last && left < config->batch);
    s->batch =
        (rv_batch){s->images, s->labels, s->indices, count, loader->epoch, loader->index, last};
    rv_source_rows(loader->source, s->indices, count, loader->epoch, s->images, s->labels);
    loader->epoch += last;
    loader->index = last ? 0 : loader->index + 1;
    loader->next = last ? 0 : first + count;
}

static void *run_thread(void *user)
{
    rv_loader *loader = user;
    pthread_mutex_lock(&loader->lock);
    for (;;) {
        while (!loader->stopping && loader->made - loader->returned == SLOTS)
            pthread_cond_wait(&loader->emptied, &loader->lock);
        if (loader->stopping)
            break;
        slot *s = &loader->slots[loader->made % SLOTS];
        pthread_mutex_unlock(&loader->lock);
        fill_slot(loader, s);
        pthread_mutex_lock(&loader->lock);
        ++loader->made;
        pthread_cond_signal(&loader->filled);
    }
    pthread_mutex_unlock(&loader->lock);
    return NULL;
}

static int start_thread(rv_loader *loader);

/* In the child of a fork: unfinished batches are made again, from their place in the order.  The
 * old conditions have waiters that do not exist here, and are not touched. */
static int restart_thread(rv_loader *loader)
{
    const rv_loader_config *config = &loader->config;
    int64_t left = count_of(loader->source, config) - config->start_image;
    int64_t first = left / config->batch + (!config->drop_last && left % config->batch != 0);
    int64_t after = loader->made - first; /* batches since the end of the first epoch */
    int is_first = after < 0;
    loader->epoch = config->start_epoch + (is_first ? 0 : 1 + after / loader->batches);
    loader->next = is_first ? config->start_image + loader->made * config->batch
                            : after % loader->batches * config->batch;
    loader->index = loader->next / config->batch;
    loader->order_epoch = -1;
    rv_source_renew(loader->source);
    return start_thread(loader);
}

static slot *next_ahead(rv_loader *loader)
{
    pthread_mutex_lock(&loader->lock);
    if (loader->returned != loader->taken) {
        loader->returned = loader->taken;
        pthread_cond_signal(&loader->emptied);
    }
    while (loader->made == loader->taken)
        pthread_cond_wait(&loader->filled, &loader->lock);
    slot *s = &loader->slots[loader->taken++ % SLOTS];
    pthread_mutex_unlock(&loader->lock);
    return s;
}

rv_status rv_loader_next(rv_loader *loader, rv_batch *batch)
{
    int is_stale = loader->config.ahead && loader->generation != rv_fork_generation();
    if (is_stale && !restart_thread(loader))
        return rv_fail(loader->context, RV_NO_MEMORY, "the loader's thread could not be started");
    const slot *s = loader->config.ahead ? next_ahead(loader) : &loader->slots[0];
    if (!loader->config.ahead)
        fill_slot(loader, &loader->slots[0]);
    *batch = s->batch;
    return RV_OK;
}

int64_t rv_loader_batches(const rv_loader *loader)
{
    return loader->batches;
}

static void free_memory(rv_loader *loader)
{
    for (int i = 0; i < SLOTS; ++i) {
        rv_free_aligned(loader->slots[i].images);
        rv_free(loader->slots[i].labels);
        rv_free(loader->slots[i].indices);
    }
    rv_free(loader->order);
    rv_free(loader);
}

static void stop_thread(rv_loader *loader)
{
    pthread_mutex_lock(&loader->lock);
    loader->stopping = 1;
    pthread_cond_signal(&loader->emptied);
    pthread_mutex_unlock(&loader->lock);
    pthread_join(loader->thread, NULL);
    pthread_cond_destroy(&loader->filled);
    pthread_cond_destroy(&loader->emptied);
    pthread_mutex_destroy(&loader->lock);
}

void rv_loader_free(rv_loader *loader)
{
    if (!loader)
        return;
    if (loader->config.ahead && loader->generation == rv_fork_generation())
        stop_thread(loader);
    free_memory(loader);
}

static rv_status check_only(rv_context *context, const rv_source *source,
                            const rv_loader_config *config)
{
    if (!config->only)
        return RV_OK;
    if (config->only_count == 0)
        return rv_fail(context, RV_BAD_USAGE,
                       "`only` is empty: there is no image of the %s split of %s to draw from",
                       rv_split_name(source->info.split), source->info.name);
    return rv_source_check(context, source, config->only, config->only_count);
}

static rv_status check_config(rv_context *context, const rv_source *source,
                              const rv_loader_config *config, int64_t *batches)
{
    int64_t count = count_of(source, config);
    if (config->batch < 1)
        return rv_fail(context, RV_BAD_USAGE, "data.batch=%lld is below 1",
                       (long long)config->batch);
    if (check_only(context, source, config) != RV_OK)
        return RV_BAD_USAGE;
    *batches = count / config->batch + (!config->drop_last && count % config->batch != 0);
    if (*batches == 0)
        return rv_fail(context, RV_BAD_USAGE,
                       "data.batch=%lld is more than the %lld images of the %s split of %s, and a "
                       "short last batch is dropped here",
                       (long long)config->batch, (long long)count,
                       rv_split_name(source->info.split), source->info.name);
    if (config->start_epoch < 0 || config->start_image < 0 || config->start_image > count)
        return rv_fail(context, RV_BAD_USAGE,
                       "cannot start at image %lld of epoch %lld: an epoch has %lld images",
                       (long long)config->start_image, (long long)config->start_epoch,
                       (long long)count);
    if (config->start_epoch > EPOCH_MOST)
        return rv_fail(context, RV_BAD_USAGE, "cannot start at epoch %lld: %lld is the last",
                       (long long)config->start_epoch, EPOCH_MOST);
    return RV_OK;
}

static int allocate(rv_loader *loader)
{
    size_t count = (size_t)count_of(loader->source, &loader->config);
    size_t size = (size_t)loader->source->info.size;
    /* No batch is longer than the set. */
    size_t batch = (size_t)loader->config.batch < count ? (size_t)loader->config.batch : count;
    if (batch > SIZE_MAX / sizeof(float) / size)
        return 0;
    for (int i = 0; i < (loader->config.ahead ? SLOTS : 1); ++i) {
        slot *s = &loader->slots[i];
        s->images = rv_malloc_aligned(batch * size * sizeof *s->images);
        s->labels = rv_malloc(batch * sizeof *s->labels);
        s->indices = rv_malloc(batch * sizeof *s->indices);
        if (!s->images || !s->labels || !s->indices)
            return 0;
    }
    if (loader->config.shuffle)
        loader->order = rv_malloc(count * sizeof *loader->order);
    return !loader->config.shuffle || loader->order;
}

/* Signals are for the caller: the thread blocks them all. */
static int start_thread(rv_loader *loader)
{
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_mutex_init(&loader->lock, NULL) != 0)
        return 0;
    pthread_cond_init(&loader->filled, NULL);
    pthread_cond_init(&loader->emptied, NULL);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&loader->thread, NULL, run_thread, loader);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failed) {
        loader->generation = rv_fork_generation();
        return 1;
    }
    pthread_cond_destroy(&loader->filled);
    pthread_cond_destroy(&loader->emptied);
    pthread_mutex_destroy(&loader->lock);
    return 0;
}

rv_status rv_loader_new(rv_context *context, rv_source *source, const rv_loader_config *config,
                        rv_loader **loader)
{
    int64_t batches = 0;
    *loader = NULL;
    rv_status status = check_config(context, source, config, &batches);
    if (status != RV_OK)
        return status;
    rv_loader *made = rv_calloc(1, sizeof *made);
    if (!made)
        return rv_fail_memory(context);
    made->context = context;
    made->source = source;
    made->config = *config;
    made->batches = batches;
    int64_t left = count_of(source, config) - config->start_image;
    int wraps = left == 0 || (config->drop_last && left < config->batch);
    made->epoch = config->start_epoch + wraps;
    made->next = wraps ? 0 : config->start_image;
    made->index = made->next / config->batch;
    made->order_epoch = -1;
    if (!allocate(made)) {
        free_memory(made);
        return rv_fail_memory(context);
    }
    if (made->config.ahead && !start_thread(made)) {
        free_memory(made);
        return rv_fail(context, RV_NO_MEMORY, "the loader's thread could not be started");
    }
    *loader = made;
    return RV_OK;
}
