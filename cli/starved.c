/* See starved.h.  Two functions of the C++ library that oneDNN brings along are called by their
 * names in its object code, so that the program stays C. */
#include "starved.h"

#include "reverie/core.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef void (*handler)(void);

handler set_new_handler(handler call) __asm__("_ZSt15set_new_handlerPFvvE");

/* Nothing here asks for memory.  Of several threads one says it. */
static _Noreturn void end(void)
{
    static const char line[] = "reverie: error: out of memory\n";
    static atomic_flag is_said = ATOMIC_FLAG_INIT;
    while (atomic_flag_test_and_set(&is_said))
        pause();
    (void)!write(STDERR_FILENO, line, sizeof line - 1);
    _exit(RV_NO_MEMORY);
}

static void end_new(void)
{
    end();
}

void cli_starved_begin(void)
{
    set_new_handler(end_new);
}

/* oneDNN's objects come from here, and it constructs them without looking.  This one is found
 * before the C library's. */
int posix_memalign(void **block, size_t alignment, size_t bytes)
{
    void *made = aligned_alloc(alignment, bytes);
    if (!made)
        end();
    *block = made;
    return 0;
}
