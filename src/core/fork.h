/* Which process this is.  Of a process with threads fork copies the memory and one thread: what
 * waits for the others in the child waits for ever.  Whoever holds threads remembers the generation
 * they were made in; in another one they do not exist, and their locks are in an unknown state. */
#ifndef CORE_FORK_H
#define CORE_FORK_H

/* Begins counting; 0 when memory is out.  Every context has done it. */
int rv_fork_watch(void);
/* One more in the child of each fork. */
unsigned rv_fork_generation(void);

#endif
