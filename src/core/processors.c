/* Reads what Linux tells about processors.  Two processors of one core share its arithmetic units:
 * a second thread there gains nothing for products of matrices, and every meeting waits for it. */
#include "core/processors.h"

#include "reverie/core.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH = 4096 };

/* ---- cores ---- */

/* The lowest processor of the core; the processor itself where the machine does not say. */
static int core_of(const char *root, int processor)
{
    char path[PATH];
    int first = processor;
    snprintf(path, sizeof path, "%s/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
             root, processor);
    FILE *file = fopen(path, "r"); /* "0,8" or "0-1" */
    if (!file)
        return processor;
    if (fscanf(file, "%d", &first) != 1 || first < 0)
        first = processor;
    fclose(file);
    return first;
}

void rv_processors_sort(const char *root, const int *allowed, int count, rv_processor_list *out)
{
    int core[RV_PROCESSORS_MOST], others[RV_PROCESSORS_MOST];
    out->count = count < RV_PROCESSORS_MOST ? count : RV_PROCESSORS_MOST;
    out->cores = 0;
    for (int i = 0; i < out->count; i++) {
        int is_new = 1;
        core[i] = core_of(root, allowed[i]);
        for (int j = 0; j < i && is_new; j++)
            is_new = core[j] != core[i];
        if (is_new)
            out->number[out->cores++] = allowed[i];
        else
            others[i - out->cores] = allowed[i];
    }
    memcpy(out->number + out->cores, others, (size_t)(out->count - out->cores) * sizeof *others);
}

/* Their numbers, in order; returns how many there are. */
static int list_allowed(int allowed[RV_PROCESSORS_MOST])
{
    int count = 0;
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        for (int i = 0; i < CPU_SETSIZE && count < RV_PROCESSORS_MOST; i++)
            if (CPU_ISSET(i, &set))
                allowed[count++] = i;
    if (count == 0) /* more processors than a set holds */
        for (int i = 0; i < (int)sysconf(_SC_NPROCESSORS_ONLN) && i < RV_PROCESSORS_MOST; i++)
            allowed[count++] = i;
    if (count == 0)
        allowed[count++] = 0;
    return count;
}

int rv_processors(void)
{
    int allowed[RV_PROCESSORS_MOST];
    return list_allowed(allowed);
}

void rv_processors_allowed(rv_processor_list *out)
{
    int allowed[RV_PROCESSORS_MOST];
    rv_processors_sort("", allowed, list_allowed(allowed), out);
}

/* ---- control groups ---- */

/* The limit in `group`, a path below the mounted groups: "150000 100000" is one and a half. */
static double limit_of(const char *root, const char *group)
{
    char path[PATH + 64];
    long long time, period; /* microseconds */
    snprintf(path, sizeof path, "%s/sys/fs/cgroup%s/cpu.max", root, group);
    FILE *file = fopen(path, "r");
    int is_limited =
        file && fscanf(file, "%lld %lld", &time, &period) == 2 && time > 0 && period > 0;
    if (file)
        fclose(file);
    return is_limited ? (double)time / (double)period : INFINITY; /* "max 100000": no number */
}

/* The group of this process, "/a/b"; "" where there is none. */
static void find_group(const char *root, char group[PATH])
{
    char path[PATH], line[PATH];
    group[0] = 0;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "0::/", 4) == 0) {
            line[strcspn(line, "\n")] = 0;
            strcpy(group, line + 3);
        }
    if (file)
        fclose(file);
}

int rv_processors_quota(const char *root)
{
    char group[PATH];
    find_group(root, group);
    double least = limit_of(root, "");
    for (char *end; (end = strrchr(group, '/')) != NULL; *end = 0) /* and every group above it */
        least = fmin(least, limit_of(root, group));
    return isinf(least) ? 0 : (int)ceil(fmin(least, RV_PROCESSORS_MOST));
}

int rv_threads_worthwhile(void)
{
    rv_processor_list list;
    rv_processors_allowed(&list);
    int quota = rv_processors_quota("");
    return quota > 0 && quota < list.cores ? quota : list.cores;
}
