#include "base/spinlock.h"
#include <sched.h>
#include <time.h>

enum { FIRST_PAUSE_NS = 1700, LONGEST_PAUSE_NS = 13600 };

static int64_t now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * INT64_C(1000000000) + at.tv_nsec;
}

void spin_for(int64_t ns)
{
    int64_t end = now() + ns;
    do
        cpu_relax();
    while (now() < end);
}

void backoff_pause(struct backoff *backoff)
{
    if (backoff->pause_ns == 0)
        backoff->pause_ns = FIRST_PAUSE_NS;
    else if (backoff->pause_ns >= LONGEST_PAUSE_NS)
        sched_yield();
    spin_for(backoff->pause_ns);
    if (backoff->pause_ns < LONGEST_PAUSE_NS)
        backoff->pause_ns *= 2;
}

void spin_lock_contended(struct spinlock *lock)
{
    struct backoff backoff = {0};
    /* Most holders are about to leave: a few looks before the first real pause. */
    for (int i = 0; i < 8; i++) {
        if (spin_try_lock(lock))
            return;
        cpu_relax();
    }
    while (!spin_try_lock(lock))
        backoff_pause(&backoff);
}
