/* A task that counts for ever, to tell whether tasks go on. */
#ifndef BINE_TEST_OUTSIDE_H
#define BINE_TEST_OUTSIDE_H

#include "../test.h"

static _Atomic int outside;

static inline void outside_count(void)
{
    for (;;) {
        outside++;
        bine_yield();
    }
}

static inline void outside_start(void)
{
    CHECK_EQ(bine_go(outside_count), 0);
    EVENTUALLY(outside > 0);
}

/* It has not gone on since it had counted so far; a worker each may still have been on its way. */
static inline void outside_check_stopped(int before)
{
    CHECK(outside - before <= 8);
}

#endif
