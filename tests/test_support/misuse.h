/* Misuse that must stop the program, in a task and on a plain thread, with a message that names the
 * call and the task. */
#ifndef BINE_TEST_MISUSE_H
#define BINE_TEST_MISUSE_H

#include "child.h"

struct misuse {
    void (*commit)(void);
    const char *call; /* as the message must name it */
};

static inline int misuse_commit(const struct misuse *misuse, bool in_task)
{
    if (!in_task) {
        misuse->commit();
        return 0;
    }
    bine_future(void) culprit = bine_async_with(BINE_OPTIONS(.name = "culprit"), misuse->commit);
    CHECK(culprit);
    bine_await(culprit);
    return 0;
}

/* The test's main(). */
static inline int misuse_check(int argc, char **argv, const struct misuse *cases, int count)
{
    char mode[16];
    if (argc > 1)
        return misuse_commit(&cases[atoi(argv[1] + 1)], argv[1][0] == 't');
    for (int i = 0; i < count; i++) {
        snprintf(mode, sizeof(mode), "p%d", i); /* on a plain thread */
        CHECK_STOPPED(child_run(mode), cases[i].call);
        snprintf(mode, sizeof(mode), "t%d", i); /* in a task */
        struct child *child = child_run(mode);
        CHECK_STOPPED(child, cases[i].call);
        CHECK_STOPPED(child, "culprit");
    }
    return 0;
}

#define MISUSE_CHECK(argc, argv, cases)                                                            \
    misuse_check((argc), (argv), (cases), (int)(sizeof(cases) / sizeof((cases)[0])))

#endif
