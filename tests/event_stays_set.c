/* An event stays set until it is cleared: waits on it return at once, whatever their deadline. */
#include "test.h"

static bine_event event;

static int check(void)
{
    CHECK(!bine_event_is_set(&event));
    CHECK_EQ(bine_event_wait_until(&event, BINE_NOW), -EAGAIN);
    CHECK_EQ(bine_event_wait_until(&event, bine_now()), -ETIMEDOUT);
    bine_time deadline = bine_after(BINE_MS(2));
    CHECK_EQ(bine_event_wait_until(&event, deadline), -ETIMEDOUT);
    CHECK(bine_now() >= deadline);

    bine_event_set(&event);
    bine_event_set(&event);
    for (int i = 0; i < 3; i++) {
        CHECK(bine_event_is_set(&event));
        CHECK_EQ(bine_event_wait(&event), 0);
        CHECK_EQ(bine_event_wait_until(&event, BINE_NOW), 0);
        CHECK_EQ(bine_event_wait_until(&event, bine_now()), 0);
        CHECK_EQ(bine_event_wait_until(&event, BINE_NEVER), 0);
    }
    bine_event_clear(&event);
    bine_event_clear(&event);
    CHECK(!bine_event_is_set(&event));
    CHECK_EQ(bine_event_wait_until(&event, BINE_NOW), -EAGAIN);
    return 0;
}

int main(void)
{
    check();
    CHECK_EQ(bine_run(check), 0);
    return 0;
}
