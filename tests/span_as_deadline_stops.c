/*
 * A deadline that lies before the start of the runtime, but after BINE_NOW, is a span given by
 * mistake: it stops the program with a message. (A machine that has just started cannot tell.)
 */
#include "test_support/child.h"

static bine_event event;
static bine_mutex mutex;

static void sleep_until_span(void)
{
    (void)bine_sleep_until(BINE_MS(20));
}

static void wait_until_span(void)
{
    (void)bine_event_wait_until(&event, BINE_MS(20));
}

static void lock_until_span(void)
{
    CHECK_EQ(bine_lock_until(&mutex, BINE_MS(20)), 0); /* never gets that far */
}

static void close_until_span(void)
{
    bine_pool *pool;
    CHECK_EQ(bine_pool_open(&pool, &(bine_pool_options){.workers = 1}), 0);
    CHECK_EQ(bine_pool_close_until(pool, BINE_MS(20)), 0); /* nor here */
}

static void (*const cases[])(void) = {sleep_until_span, wait_until_span, lock_until_span,
                                      close_until_span};

int main(int argc, char **argv)
{
    if (argc > 1) {
        bine_lock(&mutex);
        bine_future(void) culprit = bine_async(cases[argv[1][0] - '0']);
        bine_await(culprit);
        return 0;
    }
    if (bine_now() < BINE_S(1))
        test_skip("the machine has only just started");
    CHECK_STOPPED(child_run("0"), "bine_");
    CHECK_STOPPED(child_run("1"), "bine_");
    CHECK_STOPPED(child_run("2"), "bine_");
    CHECK_STOPPED(child_run("3"), "bine_pool_close_until");
    return 0;
}
