/* Setting an event wakes all that wait, tasks and plain threads, even if it is cleared right after.
 */
#include "test_support/crowd.h"

enum { WAITERS = 40, THREADS = WAITERS / 4, ROUNDS = 20 };

static bine_event event;
static _Atomic int waiting, woken;

static void wait_for_event(int number)
{
    waiting++;
    if (number % 2)
        CHECK_EQ(bine_event_wait(&event), 0);
    else
        CHECK_EQ(bine_event_wait_until(&event, bine_after(BINE_S(1000))), 0);
    woken++;
}

int main(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        waiting = woken = 0;
        crowd_start_mixed(wait_for_event, WAITERS);
        EVENTUALLY(waiting == WAITERS);
        test_until_parked(WAITERS - THREADS);
        usleep(20000); /* the threads' way into their wait; a late one would wait for ever, below */
        CHECK_EQ(woken, 0);
        bine_event_set(&event);
        bine_event_clear(&event);
        CHECK(!bine_event_is_set(&event));
        EVENTUALLY(woken >= WAITERS - THREADS);
        bine_event_set(&event); /* for a thread that was late */
        crowd_join();
        bine_event_clear(&event);
    }
    return 0;
}
