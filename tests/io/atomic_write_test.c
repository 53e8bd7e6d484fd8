/* Durable writing: whatever fails, the old file is whole and no temporary is left. */
#include "check.h"
#include "reverie/io.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static rv_context *context;
static char folder[64], path[96];
static const char old[] = "the old content";

static void write_plainly(const char *name, const char *text)
{
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

/* A folder with one file of old content. */
static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/reverie-durable-XXXXXX");
    context = rv_context_new();
    if (!context || !mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/file.bin", folder);
    write_plainly(path, old);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rv_context_free(context);
    unlink(path);
    return rmdir(folder); /* fails when a test left a file */
}

static void expect_content(const char *name, const char *expected)
{
    uint8_t *bytes;
    size_t count;
    rv_file_read(context, name, 1 << 20, &bytes, &count);
    check_ok(context);
    assert_string_equal((char *)bytes, expected);
    assert_int_equal(count, strlen(expected));
    rv_io_free(bytes);
}

static int entries(const char *name)
{
    int count = 0;
    DIR *list = opendir(name);
    assert_non_null(list);
    for (struct dirent *entry = readdir(list); entry; entry = readdir(list))
        count += entry->d_name[0] != '.';
    closedir(list);
    return count;
}

/* Whatever was tried, the old file is alone in its folder, and whole. */
static void expect_untouched(void)
{
    expect_content(path, old);
    assert_int_equal(entries(folder), 1);
}

/* ---- a new file takes the old one's place ---- */

static void test_commit_replaces(void **state)
{
    (void)state;
    rv_writer *writer;
    rv_writer_open(context, path, &writer);
    check_ok(context);
    assert_int_equal(rv_writer_append(writer, "new", 3), RV_OK);
    expect_content(path, old); /* until the commit */
    assert_int_equal(rv_writer_append(writer, " content", 8), RV_OK);
    assert_int_equal(rv_writer_append(writer, "", 0), RV_OK);
    assert_int_equal(rv_writer_commit(writer), RV_OK);
    expect_content(path, "new content");
    assert_int_equal(entries(folder), 1);
    rv_file_write(context, path, "", 0);
    expect_content(path, "");
}

static void test_abandoned(void **state)
{
    (void)state;
    rv_writer *writer;
    int64_t before = rv_memory_counted().live;
    rv_writer_open(context, path, &writer);
    rv_writer_append(writer, "half", 4);
    assert_int_equal(entries(folder), 2);
    rv_writer_abandon(writer);
    rv_writer_abandon(NULL);
    expect_untouched();
    assert_int_equal(rv_memory_counted().live, before);
}

/* ---- failures ---- */

static struct rlimit limit_files(rlim_t most)
{
    struct rlimit before, limit;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = most;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    return before;
}

static void test_full_disk(void **state)
{
    (void)state;
    rv_writer *writer;
    char *much = calloc(1, 10000);
    assert_non_null(much);
    int64_t live = rv_memory_counted().live;
    rv_writer_open(context, path, &writer);
    check_ok(context);
    struct rlimit before = limit_files(4096);
    rv_status first = rv_writer_append(writer, much, 10000);
    rv_status second = rv_writer_append(writer, "x", 1);
    rv_status last = rv_writer_commit(writer);
    rv_status whole = rv_file_write(context, path, much, 10000);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(first, RV_IO_ERROR);
    assert_int_equal(second, RV_IO_ERROR);
    assert_int_equal(last, RV_IO_ERROR);
    assert_int_equal(whole, RV_IO_ERROR);
    check_error(context, RV_IO_ERROR, "file.bin: not written; what was there before is untouched");
    expect_untouched();
    assert_int_equal(rv_memory_counted().live, live);
    rv_file_write(context, path, much, 10000); /* and once there is room, it goes on */
    check_ok(context);
    free(much);
}

static void test_missing_folder(void **state)
{
    (void)state;
    char missing[128];
    rv_writer *writer;
    snprintf(missing, sizeof missing, "%s/none/file.bin", folder);
    assert_int_equal(rv_writer_open(context, missing, &writer), RV_IO_ERROR);
    assert_null(writer);
    check_error(context, RV_IO_ERROR, "none/file.bin: cannot be written: No such file");
    snprintf(missing, sizeof missing, "%s/under.bin", path); /* a file where a folder should be */
    assert_int_equal(rv_file_write(context, missing, "x", 1), RV_IO_ERROR);
    check_error(context, RV_IO_ERROR, "under.bin: cannot be written: Not a directory");
    expect_untouched();
}

static void test_folder_in_the_way(void **state)
{
    (void)state;
    char taken[128];
    snprintf(taken, sizeof taken, "%s/taken", folder);
    assert_int_equal(mkdir(taken, 0777), 0);
    assert_int_equal(rv_file_write(context, taken, "x", 1), RV_IO_ERROR);
    check_error(context, RV_IO_ERROR, "taken: is a folder");
    assert_int_equal(entries(folder), 2);
    assert_int_equal(rmdir(taken), 0);
    expect_untouched();
}

static void test_read_only_folder(void **state)
{
    (void)state;
    if (geteuid() == 0) {
        print_message("root may write in any folder\n");
        skip();
    }
    assert_int_equal(chmod(folder, 0555), 0);
    rv_status status = rv_file_write(context, path, "x", 1);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(status, RV_IO_ERROR);
    check_error(context, RV_IO_ERROR, "file.bin: cannot be written: Permission denied");
    expect_untouched();
}

static void test_memory_failures(void **state)
{
    (void)state;
    int64_t live = rv_memory_counted().live;
    for (uint64_t n = 1;; n++) {
        rv_memory_fail_after(n, 0);
        rv_status status = rv_file_write(context, path, old, strlen(old));
        rv_memory_fail_after(0, 0);
        if (status != RV_OK)
            check_error(context, RV_NO_MEMORY, "memory");
        expect_untouched();
        assert_int_equal(rv_memory_counted().live, live);
        if (status == RV_OK) {
            assert_true(n > 1);
            return;
        }
    }
}

static void test_killed_writer(void **state)
{
    (void)state;
    char other[128];
    int result;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        rv_writer *writer;
        rv_writer_open(context, path, &writer);
        rv_writer_append(writer, "half of the new", 15);
        raise(SIGKILL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFSIGNALED(result));
    expect_content(path, old);
    assert_int_equal(entries(folder), 2);
    snprintf(other, sizeof other, "%s/other.tmp", folder); /* not ours: it stays */
    write_plainly(other, "other");
    rv_temporaries_remove(folder, NULL);
    expect_content(other, "other");
    unlink(other);
    expect_untouched();
    snprintf(other, sizeof other, "%s/none", folder);
    rv_temporaries_remove(other, NULL); /* no folder: nothing to do */
}

/* A sweep while this process writes leaves its temporary alone. */
static void test_sweep_beside_a_writer(void **state)
{
    (void)state;
    int result;
    rv_writer *writer;
    rv_writer_open(context, path, &writer);
    rv_writer_append(writer, "new", 3);
    rv_temporaries_remove(folder, NULL);
    assert_int_equal(entries(folder), 2);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        rv_temporaries_remove(folder, NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(rv_writer_commit(writer), RV_OK);
    expect_content(path, "new");
    assert_int_equal(entries(folder), 1);
}

/* Two writers of one file in one process: each has its own temporary, the last commit wins. */
static void test_two_writers(void **state)
{
    (void)state;
    rv_writer *first, *second;
    rv_writer_open(context, path, &first);
    rv_writer_open(context, path, &second);
    check_ok(context);
    rv_writer_append(first, "first", 5);
    rv_writer_append(second, "second", 6);
    assert_int_equal(rv_writer_commit(first), RV_OK);
    expect_content(path, "first");
    assert_int_equal(rv_writer_commit(second), RV_OK);
    expect_content(path, "second");
    assert_int_equal(entries(folder), 1);
}

static void test_symbolic_link(void **state)
{
    (void)state;
    char link[128];
    struct stat facts;
    snprintf(link, sizeof link, "%s/latest", folder);
    assert_int_equal(symlink("file.bin", link), 0);
    rv_file_write(context, link, "through", 7);
    check_ok(context);
    assert_int_equal(lstat(link, &facts), 0);
    assert_true(S_ISLNK(facts.st_mode));
    expect_content(path, "through");
    unlink(link);
    /* To a file that is not there yet: that one is made, and the link stays. */
    unlink(path);
    assert_int_equal(symlink("file.bin", link), 0);
    rv_file_write(context, link, "made", 4);
    check_ok(context);
    assert_int_equal(lstat(link, &facts), 0);
    assert_true(S_ISLNK(facts.st_mode));
    expect_content(path, "made");
    unlink(link);
    assert_int_equal(symlink("latest", link), 0);
    assert_int_equal(rv_file_write(context, link, "round", 5), RV_IO_ERROR);
    check_error(context, RV_IO_ERROR, "latest: cannot be written: ");
    assert_int_equal(lstat(link, &facts), 0);
    unlink(link);
}

static void test_device(void **state)
{
    (void)state;
    assert_int_equal(rv_file_write(context, "/dev/null", "x", 1), RV_IO_ERROR);
    check_error(context, RV_IO_ERROR, "/dev/null: is a device or a pipe");
}

/* ---- lines ---- */

static void test_lines(void **state)
{
    (void)state;
    char name[128];
    rv_lines *lines;
    snprintf(name, sizeof name, "%s/lines.jsonl", folder);
    rv_lines_open(context, name, 0, &lines); /* a new file */
    check_ok(context);
    assert_int_equal(rv_lines_position(lines), 0);
    rv_lines_append(lines, "one");
    assert_int_equal(rv_lines_position(lines), 4);
    rv_lines_append(lines, "");
    rv_lines_append(lines, "three");
    int64_t kept = rv_lines_position(lines);
    assert_int_equal(kept, 11);
    rv_lines_append(lines, "after the checkpoint");
    assert_int_equal(rv_lines_sync(lines), RV_OK);
    rv_lines_close(lines);
    expect_content(name, "one\n\nthree\nafter the checkpoint\n");

    rv_lines_open(context, name, -1, &lines); /* all are kept */
    check_ok(context);
    assert_int_equal(rv_lines_position(lines), 32);
    rv_lines_append(lines, "more");
    rv_lines_close(lines);
    expect_content(name, "one\n\nthree\nafter the checkpoint\nmore\n");

    rv_lines_open(context, name, kept, &lines); /* cut back, and on from there */
    check_ok(context);
    expect_content(name, "one\n\nthree\n");
    rv_lines_append(lines, "again");
    rv_lines_close(lines);
    rv_lines_close(NULL);
    expect_content(name, "one\n\nthree\nagain\n");

    rv_lines_open(context, name, 18, &lines); /* shorter than it was: its whole lines are kept */
    check_ok(context);
    assert_int_equal(rv_lines_position(lines), 17);
    rv_lines_close(lines);
    expect_content(name, "one\n\nthree\nagain\n");
    unlink(name);
}

/* What a killed process left of its last line goes; a line must be one. */
static void test_half_line(void **state)
{
    (void)state;
    char name[128];
    rv_lines *lines;
    snprintf(name, sizeof name, "%s/lines.jsonl", folder);
    write_plainly(name, "whole\nha");
    rv_lines_open(context, name, -1, &lines);
    check_ok(context);
    assert_int_equal(rv_lines_position(lines), 6);
    assert_int_equal(rv_lines_append(lines, "two\nlines"), RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE, "newline");
    rv_lines_append(lines, "next");
    rv_lines_close(lines);
    expect_content(name, "whole\nnext\n");
    unlink(name);
}

static void test_lines_missing(void **state)
{
    (void)state;
    char name[128];
    rv_lines *lines;
    snprintf(name, sizeof name, "%s/gone.jsonl", folder);
    rv_lines_open(context, name, 18, &lines); /* a log that was deleted begins anew */
    check_ok(context);
    assert_int_equal(rv_lines_position(lines), 0);
    rv_lines_close(lines);
    unlink(name);
    snprintf(name, sizeof name, "%s/none/lines.jsonl", folder);
    assert_int_equal(rv_lines_open(context, name, -1, &lines), RV_IO_ERROR);
    assert_null(lines);
    check_error(context, RV_IO_ERROR, "none/lines.jsonl: cannot be written");
}

static void test_lines_on_a_full_disk(void **state)
{
    (void)state;
    char name[128], text[64];
    rv_lines *lines;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    snprintf(name, sizeof name, "%s/lines.jsonl", folder);
    rv_lines_open(context, name, -1, &lines);
    rv_lines_append(lines, "whole");
    check_ok(context);
    struct rlimit before = limit_files(40); /* a part of the line would fit */
    rv_status status = rv_lines_append(lines, text);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(status, RV_IO_ERROR);
    check_error(context, RV_IO_ERROR, "lines.jsonl: the line was not written");
    assert_int_equal(rv_lines_position(lines), 6);
    expect_content(name, "whole\n"); /* no half lines */
    rv_lines_append(lines, "next");
    check_ok(context);
    rv_lines_close(lines);
    expect_content(name, "whole\nnext\n");
    unlink(name);
}

/* ---- reading whole files, and folders ---- */

static void test_file_read(void **state)
{
    (void)state;
    uint8_t *bytes;
    size_t count;
    assert_int_equal(rv_file_read(context, path, strlen(old), &bytes, &count), RV_OK);
    assert_int_equal(bytes[count], 0);
    rv_io_free(bytes);
    assert_int_equal(rv_file_read(context, path, strlen(old) - 1, &bytes, &count), RV_BAD_FILE);
    assert_null(bytes);
    check_error(context, RV_BAD_FILE, "file.bin: holds more than 14 bytes");
    assert_int_equal(rv_file_read(context, folder, 100, &bytes, &count), RV_BAD_FILE);
    check_error(context, RV_BAD_FILE, "is a folder, not a file");
}

static void test_folder_make(void **state)
{
    (void)state;
    char deep[128];
    snprintf(deep, sizeof deep, "%s/a/b//c/", folder);
    rv_folder_make(context, deep);
    rv_folder_make(context, deep); /* is there: fine */
    check_ok(context);
    assert_true(rv_folder_exists(deep));
    assert_true(rv_file_exists(path));
    assert_false(rv_folder_exists(path));
    assert_int_equal(rv_folder_make(context, path), RV_IO_ERROR);
    check_error(context, RV_IO_ERROR, "file.bin: is a file, not a folder");
    snprintf(deep, sizeof deep, "%s/under", path);
    assert_int_equal(rv_folder_make(context, deep), RV_IO_ERROR);
    check_error(context, RV_IO_ERROR, "file.bin");
    assert_int_equal(rv_folder_make(context, ""), RV_BAD_USAGE);
    check_error(context, RV_BAD_USAGE, "is no name for a folder");
    static const char *const made[] = {"a/b/c", "a/b", "a"};
    for (int i = 0; i < 3; i++) {
        snprintf(deep, sizeof deep, "%s/%s", folder, made[i]);
        assert_int_equal(rmdir(deep), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_commit_replaces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_abandoned, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_missing_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_folder_in_the_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_read_only_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_memory_failures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_killed_writer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sweep_beside_a_writer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two_writers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_symbolic_link, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_device, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_half_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lines_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lines_on_a_full_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_file_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_folder_make, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
