/*
 * A BINE_WORKERS or BINE_STACK that makes no sense is reported in one line on stderr, which names
 * the variable; the program runs on with the default. Good values are taken without a word.
 */
/* test: workers=1 */
#include "test_support/child.h"

static int compute(int number)
{
    return number + 1;
}

/* `workers`: how many the default pool must have here. */
static int run_child(const char *workers)
{
    bine_future(int) future = bine_async(compute, 1);
    CHECK(future);
    CHECK_EQ(bine_await(future), 2);
    if (atoi(workers) > 0)
        CHECK_EQ(bine_pool_workers(bine_pool_self()), atoi(workers));
    return 0;
}

static void check_reported(const char *variable, const char *name, const char *default_workers)
{
    struct child *child = child_run_with(default_workers, variable);
    const char *end = strchr(child->said, '\n');
    CHECK_PASSED(child);
    if (!strstr(child->said, name) || !end || end[1] != '\0') {
        child_show(child);
        CHECK(!"not one line that names the variable");
    }
}

static void check_silent(const char *variable, const char *workers)
{
    struct child *child = child_run_with(workers, variable);
    CHECK_PASSED(child);
    CHECK_EQ(strlen(child->said), 0);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return run_child(argv[1]);
    unsetenv("BINE_WORKERS");
    unsetenv("BINE_STACK");

    char default_workers[16];
    snprintf(default_workers, sizeof(default_workers), "%u", bine_pool_workers(bine_pool_self()));
    const char *const bad_workers[] = {
        "BINE_WORKERS=abc",       "BINE_WORKERS=0",  "BINE_WORKERS=-3",
        "BINE_WORKERS=99999999",  "BINE_WORKERS=2x", "BINE_WORKERS=99999999999999999999",
        "BINE_WORKERS=4294967297"};
    for (size_t i = 0; i < sizeof(bad_workers) / sizeof(bad_workers[0]); i++)
        check_reported(bad_workers[i], "BINE_WORKERS", default_workers);
    check_reported("BINE_STACK=abc", "BINE_STACK", default_workers);
    check_reported("BINE_STACK=-1", "BINE_STACK", default_workers);
    check_reported("BINE_STACK=99999999999999999999999", "BINE_STACK", default_workers);

    check_silent("BINE_WORKERS=1", "1");
    check_silent("BINE_WORKERS=5", "5");
    check_silent("BINE_STACK=131072", default_workers);
    check_silent("UNRELATED=1", default_workers);
    return 0;
}
