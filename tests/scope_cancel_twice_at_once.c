/*
 * Who cancels a scope, or the task around it, that somebody else is cancelling at that moment finds
 * all inner scopes cancelled once his call returns, as the first one does.
 */
#include "test.h"
#include <bine/scope.h>

enum { DEPTH = 2000, RACES = 20 };

static bine_scope scopes[DEPTH];
static _Atomic int asked, answered; /* rounds in which the first one is to cancel, and has */
static _Atomic bool over;
static bine_future(void) owner;
static bool cancels_task;
static _Atomic int races;

static void nothing(void)
{
}

static bool is_cancelled(int depth)
{
    int error = bine_scope_go(&scopes[depth], nothing);
    CHECK(error == 0 || error == -ECANCELED);
    return error != 0;
}

static void cancel(void)
{
    if (cancels_task)
        bine_cancel(owner);
    else
        bine_scope_cancel(&scopes[0], -EINTR);
}

static void own(bine_event *opened, bine_event *checked)
{
    for (int i = 0; i < DEPTH; i++)
        bine_scope_open(&scopes[i], BINE_NEVER);
    bine_event_set(opened);
    BINE_SHIELDED
    {
        CHECK_EQ(bine_event_wait(checked), 0);
    }
    for (int i = DEPTH - 1; i >= 0; i--)
        CHECK(bine_scope_close(&scopes[i]) != 0);
}

static void *cancel_first(void *unused)
{
    for (;;) {
        while (asked == answered && !over)
            sched_yield();
        if (over)
            return unused;
        cancel();
        answered++;
    }
}

static void cancel_second(void)
{
    asked++;
    while (!is_cancelled(0))
        ;
    if (!is_cancelled(DEPTH - 1))
        races++;
    cancel();
    CHECK(is_cancelled(DEPTH - 1));
}

int main(void)
{
    pthread_t first = test_thread(cancel_first, NULL);
    for (int round = 0; races < RACES; round++) {
        bine_event opened = {0}, checked = {0};
        cancels_task = round % 2;
        owner = bine_async(own, &opened, &checked);
        CHECK(owner);
        CHECK_EQ(bine_event_wait(&opened), 0);
        cancel_second();
        while (answered != asked)
            sched_yield();
        bine_event_set(&checked);
        bine_await(owner);
    }
    over = true;
    test_join(first);
    return 0;
}
