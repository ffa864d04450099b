/*
 * Event: two words. The first is
 *
 *      SET | LIST_WAITERS | LIST_LOCKED
 *
 * 1. The list has waiters only while the event is not set.
 * 2. Setting takes all waiters out first and stores SET and the empty list at once: the last touch
 *    of the event, which who sees it set may free. Those waiters return even if it is cleared
 *    before they run.
 */
#include "sync/event.h"
#include "sched/worker.h"
#include "sync/waitlist.h"
#include <bine/sync.h>
#include <errno.h>

enum { EVENT_SET = 1 << LIST_BITS };

struct event {
    struct waitline line;
};
_Static_assert(sizeof(struct event) == sizeof(bine_event), "two words");

static struct event *event_of(bine_event *event)
{
    return (struct event *)event;
}

void bine_event_set(bine_event *object)
{
    struct event *event = event_of(object);
    uintptr_t word = 0;
    /* release: what was done before is seen by who finds it set. */
    if (atomic_compare_exchange_strong_explicit(&event->line.word, &word, EVENT_SET,
                                                memory_order_release, memory_order_relaxed))
        return;
    waitlist_lock(&event->line.word);
    struct wait *claimed = waitlist_claim_all(&event->line.list);
    atomic_store_explicit(&event->line.word, EVENT_SET, memory_order_release);
    waitlist_resume_all(claimed);
}

void bine_event_clear(bine_event *event)
{
    atomic_fetch_and_explicit(&event_of(event)->line.word, ~(uintptr_t)EVENT_SET,
                              memory_order_relaxed);
}

bool bine_event_is_set(const bine_event *event)
{
    /* acquire: pairs with the release in bine_event_set(). */
    return atomic_load_explicit(&event_of((bine_event *)event)->line.word, memory_order_acquire) &
           EVENT_SET;
}

void event_lock(bine_event *event)
{
    waitlist_lock(&event_of(event)->line.word);
}

void event_unlock(bine_event *event)
{
    waitlist_unlock(&event_of(event)->line.word, &event_of(event)->line.list);
}

void event_enlist(bine_event *event, struct wait *wait)
{
    waitlist_append(&event_of(event)->line.list, wait);
}

bool event_delist(bine_event *event, struct wait *wait)
{
    return !waitlist_remove(&event_of(event)->line.list, wait);
}

static int wait_slowly(struct event *event, bine_time deadline)
{
    struct wait wait;
    wait_begin(&wait, "event", event, deadline);
    if (waitlist_lock(&event->line.word) & EVENT_SET) {
        waitlist_unlock(&event->line.word, &event->line.list);
        wait_abandon(&wait);
        return 0;
    }
    waitlist_append(&event->line.list, &wait);
    int error = wait_park(&wait, waitline_commit);
    if (error)
        waitline_leave(&event->line, &wait);
    return error;
}

int bine_event_wait_until(bine_event *event, bine_time deadline)
{
    worker_heed_budget_here();
    int error = run_check(run_self());
    if (error)
        return error;
    if (bine_event_is_set(event))
        return 0;
    if (deadline == BINE_NOW)
        return -EAGAIN;
    deadline_check("bine_event_wait_until", deadline);
    return wait_slowly(event_of(event), deadline);
}

int bine_event_wait(bine_event *event)
{
    return bine_event_wait_until(event, BINE_NEVER);
}
