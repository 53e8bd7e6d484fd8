/* See fork.h. */
#include "core/fork.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_uint generation;
static atomic_int is_watched;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* In the child's only thread. */
static void count_child(void)
{
    atomic_fetch_add(&generation, 1);
}

/* A failure is not kept: the next context tries again. */
int rv_fork_watch(void)
{
    if (atomic_load(&is_watched))
        return 1;
    pthread_mutex_lock(&lock);
    if (!atomic_load(&is_watched))
        atomic_store(&is_watched, pthread_atfork(NULL, NULL, count_child) == 0);
    pthread_mutex_unlock(&lock);
    return atomic_load(&is_watched);
}

unsigned rv_fork_generation(void)
{
    return atomic_load(&generation);
}
