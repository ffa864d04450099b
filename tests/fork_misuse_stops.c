/* Joining in another order than the reverse of forking, joining twice, and a task that ends without
 * having joined stop the program with a message that names the call. */
#include "test_support/child.h"
#include <bine/parallel.h>

static int one(int number)
{
    return number;
}

static void join_oldest_first(void)
{
    bine_child(int) a, b, c;
    bine_fork(&a, one, 1);
    bine_fork(&b, one, 2);
    bine_fork(&c, one, 3);
    bine_join(&a);
}

static void join_twice(void)
{
    bine_child(int) a, b, c;
    bine_fork(&a, one, 1);
    bine_fork(&b, one, 2);
    bine_fork(&c, one, 3);
    bine_join(&c);
    bine_join(&c);
}

static void leave_unjoined(void)
{
    bine_child(int) *child = malloc(sizeof *child);
    bine_fork(child, one, 1);
}

static const struct {
    void (*misuse)(void);
    const char *call; /* as the message must name it */
} cases[] = {
    {join_oldest_first, "bine_join"},
    {join_twice, "bine_join"},
    {leave_unjoined, "bine_fork"},
};
enum { CASES = sizeof(cases) / sizeof(*cases), IN_TASKS_ONLY = 2 /* from here on */ };

static int run_case(const char *mode)
{
    void (*misuse)(void) = cases[atoi(mode + 1)].misuse;
    if (mode[0] == 'p') {
        misuse();
        return 0;
    }
    bine_future(void) culprit = bine_async_with(BINE_OPTIONS(.name = "culprit"), misuse);
    CHECK(culprit);
    bine_await(culprit);
    return 0;
}

int main(int argc, char **argv)
{
    char mode[16];
    if (argc > 1)
        return run_case(argv[1]);
    for (int i = 0; i < CASES; i++) {
        snprintf(mode, sizeof(mode), "p%d", i); /* on a plain thread */
        if (i < IN_TASKS_ONLY)
            CHECK_STOPPED(child_run(mode), cases[i].call);
        snprintf(mode, sizeof(mode), "t%d", i); /* in a task */
        struct child *child = child_run(mode);
        CHECK_STOPPED(child, cases[i].call);
        CHECK_STOPPED(child, "culprit");
    }
    return 0;
}
