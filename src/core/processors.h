/* The processors of this process, and how many threads are worth starting on them. */
#ifndef CORE_PROCESSORS_H
#define CORE_PROCESSORS_H

enum { RV_PROCESSORS_MOST = 1024 };

typedef struct rv_processor_list {
    int count;                      /* at least 1 */
    int cores;                      /* whose processors they are */
    int number[RV_PROCESSORS_MOST]; /* the first of each core, then the others */
} rv_processor_list;

/* Those that this thread may run on now (taskset, containers). */
void rv_processors_allowed(rv_processor_list *out);
/* Sorts `allowed` [count], with what the files below `root` ("" is the machine) say about cores. */
void rv_processors_sort(const char *root, const int *allowed, int count, rv_processor_list *out);
/* The processors' time that the control groups (version 2) of this process allow, as a number of
 * processors, rounded up; 0: no limit. */
int rv_processors_quota(const char *root);
/* One thread for each core, or fewer where a control group allows less time; at least 1. */
int rv_threads_worthwhile(void);

#endif
