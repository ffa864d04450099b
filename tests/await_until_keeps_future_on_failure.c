/* bine_await_until that fails leaves the future and the result alone, and the task goes on. */
#include "test.h"

static bine_event go_on;

static int wait_for_go(int number)
{
    CHECK_EQ(bine_event_wait(&go_on), 0);
    return number;
}

static int fail_cancelled(bine_future(int) awaited)
{
    int result = -1;
    CHECK_EQ(bine_await_until(awaited, &result, BINE_NEVER), -ECANCELED);
    CHECK_EQ(bine_await_until(awaited, &result, bine_after(BINE_S(1000))), -ECANCELED);
    CHECK_EQ(result, -1);
    return 0;
}

static void check_failures(bine_future(int) awaited)
{
    int result = -1;
    CHECK_EQ(bine_await_until(awaited, &result, BINE_NOW), -EAGAIN);
    CHECK_EQ(bine_await_until(awaited, &result, bine_now()), -ETIMEDOUT);
    CHECK_EQ(bine_await_until(awaited, &result, bine_after(BINE_MS(2))), -ETIMEDOUT);
    CHECK_EQ(result, -1);
}

static int check(void)
{
    int result = -1;
    bine_event_clear(&go_on);
    bine_future(int) awaited = bine_async(wait_for_go, 9);
    CHECK(awaited);
    check_failures(awaited);

    bine_future(int) cancelled = bine_async(fail_cancelled, awaited);
    CHECK(cancelled);
    bine_cancel(cancelled);
    CHECK_EQ(bine_await(cancelled), 0);
    check_failures(awaited);

    bine_event_set(&go_on);
    CHECK_EQ(bine_await_until(awaited, &result, bine_after(BINE_S(1000))), 0);
    CHECK_EQ(result, 9);
    return 0;
}

int main(void)
{
    int result = -1;
    check();
    bine_future(int) in_task = bine_async(check);
    CHECK(in_task);
    CHECK_EQ(bine_await(in_task), 0);

    /* An ended task's result is there whatever the deadline. */
    bine_future(int) ended = bine_async(wait_for_go, 1);
    CHECK_EQ(bine_await_any(&ended, 1), 0);
    CHECK_EQ(bine_await_until(ended, &result, BINE_NOW), 0);
    CHECK_EQ(result, 1);
    ended = bine_async(wait_for_go, 2);
    CHECK_EQ(bine_await_any(&ended, 1), 0);
    CHECK_EQ(bine_await_until(ended, &result, bine_now()), 0);
    CHECK_EQ(result, 2);
    return 0;
}
