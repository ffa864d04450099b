/* A task that cancels itself, by the future that a starter left for it, is cancelled. */
#include "test.h"

static bine_future(int) self;
static bine_event self_known;

static int cancel_self(void)
{
    CHECK_EQ(bine_event_wait(&self_known), 0);
    CHECK_EQ(bine_check(), 0);
    bine_cancel(self);
    CHECK_EQ(bine_check(), -ECANCELED);
    CHECK_EQ(bine_sleep(BINE_S(1000)), -ECANCELED);
    return 3;
}

int main(void)
{
    self = bine_async(cancel_self);
    CHECK(self);
    bine_event_set(&self_known);
    CHECK_EQ(bine_await(self), 3);
    return 0;
}
