/* A wait group that falls below zero stops the program with a message that names task and call. */
#include "test_support/child.h"

static bine_waitgroup group;

static void be_done_too_often(void)
{
    bine_waitgroup_add(&group, 2);
    for (int i = 0; i < 3; i++)
        bine_waitgroup_done(&group);
}

static void add_below_zero(void)
{
    bine_waitgroup_add(&group, 2);
    bine_waitgroup_add(&group, -3);
}

int main(int argc, char **argv)
{
    const char *const modes[] = {"done in thread", "add in thread", "done in task", "add in task"};
    if (argc == 1) {
        for (int i = 0; i < 4; i++) {
            struct child *child = child_run(modes[i]);
            CHECK_STOPPED(child, "bine_waitgroup");
            if (i >= 2)
                CHECK_STOPPED(child, "culprit");
        }
        return 0;
    }
    void (*misuse)(void) = argv[1][0] == 'd' ? be_done_too_often : add_below_zero;
    if (strstr(argv[1], "thread")) {
        misuse();
        return 0;
    }
    bine_future(void) culprit = bine_async_with(BINE_OPTIONS(.name = "culprit"), misuse);
    CHECK(culprit);
    bine_await(culprit);
    return 0;
}
