/* Starting a program: from the call until it runs, or has failed to. */
#ifndef BINE_IO_LAUNCH_H
#define BINE_IO_LAUNCH_H

#include <bine/process.h>

/* What launch() gives the program as standard descriptor i, beside a descriptor. */
enum { LAUNCH_INHERIT = -1, LAUNCH_NULL = -2, LAUNCH_MERGE = -3 };

struct launch {
    char *const *argv;
    const bine_process_options *options; /* all but the descriptors count here */
    int fd[3];                           /* of the caller, or LAUNCH_ */
};

/* Returns the child's number, or -errno with no child left. Blocks the thread until the program
 * runs. */
pid_t launch(const struct launch *launch);

#endif
