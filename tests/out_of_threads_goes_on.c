/*
 * Where no thread can be had, starting says -EAGAIN, or the program runs with fewer workers and
 * says so once on stderr; more threads later are not needed for what runs already.
 */
/* test: plain */
#include "test_support/child.h"

enum { NOBODY = 65534 };

static int compute(int number)
{
    bine_yield();
    return number;
}

static void *not_expected(void *unused)
{
    dprintf(2, "a thread started all the same\n");
    abort();
    return unused;
}

/* The limit binds no superuser: so be somebody else. */
static void allow_no_threads(void)
{
    struct rlimit none = {0, 0};
    pthread_t thread;
    CHECK_EQ(setrlimit(RLIMIT_NPROC, &none), 0);
    if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
        _exit(0);
    CHECK_EQ(pthread_create(&thread, NULL, not_expected, NULL), EAGAIN);
}

static int start_without_threads(void)
{
    bine_pool *pool = NULL;
    allow_no_threads();
    int result = bine_pool_open(&pool, &(bine_pool_options){.workers = 4});
    CHECK(result == -EAGAIN || result == 0);
    if (result == 0) {
        bine_future(int) future = bine_pool_async(pool, compute, 1);
        CHECK(future);
        CHECK_EQ(bine_await(future), 1);
        CHECK_EQ(bine_pool_close(pool), 0);
    }
    return 0;
}

static int go_on_without_threads(void)
{
    CHECK_EQ(bine_run(compute, 1), 1);
    allow_no_threads();
    for (int i = 0; i < 20000; i++) {
        bine_future(int) future = bine_async(compute, i);
        CHECK(future);
        if (i % 1000 == 0)
            CHECK_EQ(bine_sleep(BINE_MS(2)), 0); /* it might want a second worker now */
        CHECK_EQ(bine_await(future), i);
    }
    return 0;
}

static int lines_of(const char *text)
{
    int lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return strcmp(argv[1], "start") == 0 ? start_without_threads() : go_on_without_threads();
    const char *const modes[] = {"start", "go on"};
    for (int i = 0; i < 2; i++) {
        struct child *child = child_run(modes[i]);
        CHECK_PASSED(child);
        CHECK(lines_of(child->said) <= 1);
    }
    return 0;
}
