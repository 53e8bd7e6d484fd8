/* The generation of the process. fork copies the memory but only one thread: code in the child that
 * waits for the other threads would wait forever.  The owner of threads remembers their generation;
 * in another generation they do not exist, and their locks are in an unknown state. */
#ifndef CORE_FORK_H
#define CORE_FORK_H

/* Begins counting; 0 when memory is out.  Every context does this. */
int rv_fork_watch(void);
/* One more in the child of each fork. */
unsigned rv_fork_generation(void);

#endif
