/* Processors: cores with two each, in the ways that machines number them, and limits of control
 * groups, from files as Linux shows them. */
#include "check.h"

#include "core/processors.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static char root[] = "/tmp/reverie-processors-XXXXXX";

/* Writes a file below the root, and the folders on the way. */
static void put(const char *path, const char *text)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s%s", root, path);
    for (char *slash = whole + sizeof root; (slash = strchr(slash, '/')) != NULL; *slash++ = '/') {
        *slash = 0;
        mkdir(whole, 0700);
    }
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void put_siblings(int processor, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
             processor);
    put(path, text);
}

static void check_order(const int *allowed, int count, int cores, const int *order)
{
    rv_processor_list list;
    rv_processors_sort(root, allowed, count, &list);
    assert_int_equal(list.count, count);
    assert_int_equal(list.cores, cores);
    for (int i = 0; i < count; i++)
        assert_int_equal(list.number[i], order[i]);
}

static void test_cores(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) { /* 0 and 4 are one core, 1 and 5, ... */
        char pair[16];
        snprintf(pair, sizeof pair, "%d,%d\n", i, i + 4);
        put_siblings(i, pair);
        put_siblings(i + 4, pair);
    }
    check_order((int[]){0, 1, 2, 3, 4, 5, 6, 7}, 8, 4, (int[]){0, 1, 2, 3, 4, 5, 6, 7});
    check_order((int[]){1, 4, 5, 6}, 4, 3, (int[]){1, 4, 6, 5});
    check_order((int[]){7}, 1, 1, (int[]){7});
    for (int i = 0; i < 8; i++) { /* neighbours */
        char pair[16];
        snprintf(pair, sizeof pair, "%d-%d\n", i / 2 * 2, i / 2 * 2 + 1);
        put_siblings(i, pair);
    }
    check_order((int[]){0, 1, 2, 3, 4, 5, 6, 7}, 8, 4, (int[]){0, 2, 4, 6, 1, 3, 5, 7});
    /* of these the machine says nothing, or nonsense */
    put_siblings(12, "?\n");
    check_order((int[]){10, 11, 12}, 3, 3, (int[]){10, 11, 12});
}

static void test_limits(void **state)
{
    (void)state;
    assert_int_equal(rv_processors_quota(root), 0); /* no files */
    put("/proc/self/cgroup", "1:name=x:/old\n0::/pod/job\n");
    put("/sys/fs/cgroup/pod/job/cpu.max", "max 100000\n");
    assert_int_equal(rv_processors_quota(root), 0);
    put("/sys/fs/cgroup/pod/job/cpu.max", "150000 100000\n");
    assert_int_equal(rv_processors_quota(root), 2); /* one and a half */
    put("/sys/fs/cgroup/pod/cpu.max", "50000 100000\n");
    assert_int_equal(rv_processors_quota(root), 1); /* the group above allows less */
    put("/sys/fs/cgroup/pod/cpu.max", "800000 100000\n");
    assert_int_equal(rv_processors_quota(root), 2);
    put("/sys/fs/cgroup/cpu.max", "100000 100000\n"); /* what a container sees of its own */
    assert_int_equal(rv_processors_quota(root), 1);
}

static void test_here(void **state)
{
    (void)state;
    rv_processor_list list;
    rv_processors_allowed(&list);
    assert_int_equal(rv_processors(), list.count);
    assert_in_range(list.cores, 1, list.count);
    assert_in_range(rv_threads_worthwhile(), 1, list.cores);
    rv_context *context = rv_context_new();
    assert_int_equal(rv_context_threads(context), rv_threads_worthwhile());
    rv_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cores), cmocka_unit_test(test_limits),
                                       cmocka_unit_test(test_here)};
    char command[128];
    if (!mkdtemp(root))
        return 1;
    int failed = cmocka_run_group_tests_name("processors", tests, NULL, NULL);
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command) != 0 ? 1 : failed;
}
