/* An event on the waiter's stack may be gone as soon as its wait has returned. */
#include "test_support/crowd.h"
#include "test_support/frame.h"

enum { USERS = 8, ROUNDS = 20000 };

static void set(bine_event *event, int round)
{
    test_spin((unsigned)round % 64);
    bine_event_set(event);
}

/* Its frame holds the event, and is used again by frame_look(). */
__attribute__((noinline)) static void use_frame(int round)
{
    bine_event event = {0};
    CHECK_EQ(bine_go(set, &event, round), 0);
    test_spin((unsigned)round % 200);
    CHECK_EQ(bine_event_wait(&event), 0);
}

static void use_often(int number)
{
    frame_use_often(use_frame, number, test_scaled(ROUNDS));
}

int main(void)
{
    crowd_start_mixed(use_often, USERS);
    crowd_join();
    return 0;
}
