/* Libraries that cannot say that memory is out end the program; here it ends with a word. */
#ifndef CLI_STARVED_H
#define CLI_STARVED_H

/* Before anything else: what a C++ library below (oneDNN) asks for and does not get ends the
 * program with the usual line and RV_NO_MEMORY.  Files are written aside and renamed, so a run is
 * left as a kill leaves it. */
void cli_starved_begin(void);

#endif
