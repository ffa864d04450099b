/* bine_await_any of no future, or of NULL ones only, is -EINVAL; a future may stand there twice. */
#include "test.h"

static bine_event go_on;

static void wait_for_go(void)
{
    CHECK_EQ(bine_event_wait(&go_on), 0);
}

static int check(void)
{
    bine_future(void) none[] = {NULL, NULL, NULL};
    CHECK_EQ(bine_await_any(none, 0), -EINVAL);
    CHECK_EQ(bine_await_any(none, 1), -EINVAL);
    CHECK_EQ(bine_await_any(none, 3), -EINVAL);
    CHECK_EQ(bine_await_any_until(none, 3, BINE_NOW), -EINVAL);

    bine_event_clear(&go_on);
    bine_future(void) future = bine_async(wait_for_go);
    bine_future(void) twice[] = {NULL, future, NULL, future};
    CHECK(future);
    CHECK_EQ(bine_await_any_until(twice, 4, BINE_NOW), -EAGAIN);
    CHECK_EQ(bine_await_any_until(twice, 4, bine_now()), -ETIMEDOUT);
    CHECK_EQ(bine_await_any_until(twice, 4, bine_after(BINE_MS(2))), -ETIMEDOUT);
    bine_event_set(&go_on);
    int ended = bine_await_any(twice, 4);
    CHECK(ended == 1 || ended == 3);
    bine_await(future);
    return 0;
}

int main(void)
{
    check();
    bine_future(int) in_task = bine_async(check);
    CHECK(in_task);
    CHECK_EQ(bine_await(in_task), 0);
    return 0;
}
