/*
 * Of a cancellation and a deadline that have both come, the one that came first is reported, by
 * every later wait and by one that they end, whoever notices first.
 */
/* test: workers=1,2 */
#include "test.h"
#include <bine/scope.h>

static bine_event never_set;
static _Atomic bool begun;

static void compute_until(bine_time time)
{
    while (bine_now() <= time)
        ;
}

static void check_fails(int error)
{
    CHECK_EQ(bine_check(), error);
    CHECK_EQ(bine_event_wait(&never_set), error);
    CHECK_EQ(bine_event_wait_until(&never_set, bine_after(BINE_S(1000))), error);
    CHECK_EQ(bine_sleep(1), error);
}

static int check_scope(void)
{
    bine_scope scope;
    bine_time soon = bine_after(BINE_MS(20));
    bine_scope_open(&scope, BINE_NEVER);
    BINE_UNTIL (soon) {
        bine_scope_cancel(&scope, -EXDEV);
        if (bine_now() < soon) {
            compute_until(soon);
            check_fails(-ECANCELED);
        }
    }
    CHECK_EQ(bine_scope_close(&scope), -EXDEV);

    bine_scope_open(&scope, BINE_NEVER);
    BINE_UNTIL (bine_now()) {
        compute_until(bine_now());
        bine_scope_cancel(&scope, -EXDEV);
        check_fails(-ETIMEDOUT);
        BINE_SHIELDED
        {
            CHECK_EQ(bine_check(), 0);
        }
    }
    check_fails(-ECANCELED);
    BINE_UNTIL (BINE_NOW) /* set up after it was cancelled */
    {
        check_fails(-ECANCELED);
    }
    CHECK_EQ(bine_scope_close(&scope), -EXDEV);
    return 0;
}

static int wait_to_be_cancelled(bine_time *deadline)
{
    BINE_UNTIL (*deadline) {
        begun = true;
        return bine_event_wait(&never_set);
    }
    return 0;
}

static int wait_later(bine_time *deadline)
{
    BINE_UNTIL (*deadline) {
        compute_until(*deadline);
        return bine_event_wait(&never_set);
    }
    return 0;
}

/* The caller keeps a worker until the time has passed; with one worker nobody looks at timers. */
static int check_future(void)
{
    bine_time deadline = bine_after(BINE_MS(2));
    begun = false;
    bine_future(int) late = bine_async(wait_to_be_cancelled, &deadline);
    while (!begun)
        bine_yield();
    compute_until(deadline);
    bine_cancel(late);
    CHECK_EQ(bine_await(late), -ETIMEDOUT);

    deadline = bine_after(BINE_S(1000));
    bine_future(int) cancelled = bine_async(wait_to_be_cancelled, &deadline);
    bine_yield();
    bine_cancel(cancelled);
    CHECK_EQ(bine_await(cancelled), -ECANCELED);

    deadline = bine_after(BINE_MS(20));
    bine_future(int) before = bine_async(wait_later, &deadline);
    bine_cancel(before);
    bool in_time = bine_now() < deadline;
    int result = bine_await(before);
    CHECK(result == -ECANCELED || (!in_time && result == -ETIMEDOUT));
    return 0;
}

/* A task's error after the deadline is not what came first. */
static int fail_late(bine_time *deadline)
{
    compute_until(*deadline);
    return -EBADMSG;
}

static int check_result(void)
{
    bine_scope scope;
    for (bine_time span = BINE_MS(1);; span *= 2) {
        bine_time deadline = bine_after(span);
        bine_scope_open(&scope, deadline);
        int error = bine_scope_go(&scope, fail_late, &deadline);
        int result = bine_scope_close(&scope);
        if (error) {
            CHECK_EQ(result, 0);
            continue;
        }
        CHECK_EQ(result, -ETIMEDOUT);
        return 0;
    }
}

static int check_all(void)
{
    check_scope();
    check_future();
    check_result();
    return 0;
}

int main(void)
{
    for (int i = 0; i < 8; i++) {
        CHECK_EQ(check_scope(), 0);
        CHECK_EQ(check_result(), 0);
        CHECK_EQ(bine_run(check_all), 0);
    }
    return 0;
}
