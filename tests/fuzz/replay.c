/* Reads files with a harness, without a fuzzer: the corpus in `make test`, and what a campaign
 * found.
 *
 *     fuzz_replay tests/fuzz/corpus           every harness, on the files of its folder
 *     fuzz_replay png crash-1 crash-2         one harness, on these files */
#include "fuzz.h"
#include "harnesses.h" /* made by CMakeLists.txt */

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int harness(const uint8_t *data, size_t size);

#define DECLARE(name) harness fuzz_##name;
FUZZ_HARNESSES(DECLARE)

typedef struct harness_row {
    const char *name;
    harness *run;
} harness_row;

#define ROW(name) {#name, fuzz_##name},
static const harness_row rows[] = {FUZZ_HARNESSES(ROW){NULL, NULL}};

static char reading[4096]; /* for the message when the process dies */

static void on_death(int number)
{
    static const char before[] = "fuzz: stopped by: ";
    (void)!write(STDERR_FILENO, before, sizeof before - 1);
    (void)!write(STDERR_FILENO, reading, strlen(reading));
    (void)!write(STDERR_FILENO, "\n", 1);
    signal(number, SIG_DFL);
    raise(number);
}

static void run_file(const harness_row *row, const char *path)
{
    FILE *file = fopen(path, "rb");
    fuzz_require(file && fseek(file, 0, SEEK_END) == 0, "%s: cannot be read", path);
    size_t size = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = malloc(size ? size : 1);
    fuzz_require(data && fread(data, 1, size, file) == size, "%s: cannot be read", path);
    fclose(file);
    snprintf(reading, sizeof reading, "fuzz_replay %s %s", row->name, path);
    row->run(data, size);
    free(data);
}

/* How many files there were. */
static int run_folder(const harness_row *row, const char *corpus)
{
    int count = 0;
    char path[4096];
    struct dirent **entry;
    snprintf(path, sizeof path, "%s/%s", corpus, row->name);
    int entries = scandir(path, &entry, NULL, alphasort);
    fuzz_require(entries >= 0, "%s: cannot be listed", path);
    for (int i = 0; i < entries; i++) {
        if (entry[i]->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s/%s", corpus, row->name, entry[i]->d_name);
            run_file(row, path);
            count++;
        }
        free(entry[i]);
    }
    free(entry);
    return count;
}

int main(int argc, char **argv)
{
    const harness_row *row = rows;
    signal(SIGABRT, on_death);
    signal(SIGSEGV, on_death);
    signal(SIGBUS, on_death);
    signal(SIGFPE, on_death);
    if (argc == 2) {
        for (; row->name; row++) {
            int count = run_folder(row, argv[1]);
            printf("%s: %d inputs\n", row->name, count);
            fuzz_require(count > 0, "%s has no corpus", row->name);
        }
        return 0;
    }
    while (argc > 2 && row->name && strcmp(row->name, argv[1]) != 0)
        row++;
    if (argc < 3 || !row->name) {
        fprintf(stderr, "usage: %s CORPUS, or %s HARNESS FILE...\n", argv[0], argv[0]);
        return 2;
    }
    for (int i = 2; i < argc; i++)
        run_file(row, argv[i]);
    return 0;
}
