#include "sync/waitlist.h"

uintptr_t waitlist_lock(list_word *word)
{
    struct backoff backoff = {0};
    for (;;) {
        uintptr_t seen = atomic_load_explicit(word, memory_order_relaxed);
        /* acquire: pairs with the release in waitlist_unlock(). */
        if (!(seen & LIST_LOCKED) &&
            atomic_compare_exchange_weak_explicit(word, &seen, seen | LIST_LOCKED,
                                                  memory_order_acquire, memory_order_relaxed))
            return seen | LIST_LOCKED;
        if (seen & LIST_LOCKED)
            backoff_pause(&backoff);
    }
}

void waitlist_unlock(list_word *word, const struct waitlist *list)
{
    uintptr_t waiters = list->first ? LIST_WAITERS : 0;
    uintptr_t seen = atomic_load_explicit(word, memory_order_relaxed);
    uintptr_t mask = LIST_LOCKED | LIST_WAITERS;
    while (!atomic_compare_exchange_weak_explicit(word, &seen, (seen & ~mask) | waiters,
                                                  memory_order_release, memory_order_relaxed))
        ;
}

void waitlist_append(struct waitlist *list, struct wait *wait)
{
    wait->next = NULL;
    wait->queued = true;
    if (list->first) {
        struct wait *last = list->first->prev;
        last->next = wait;
        wait->prev = last;
        list->first->prev = wait;
    } else {
        wait->prev = wait;
        list->first = wait;
    }
}

void waitlist_prepend(struct waitlist *list, struct wait *wait)
{
    struct wait *first = list->first;
    wait->queued = true;
    wait->next = first;
    wait->prev = first ? first->prev : wait;
    if (first)
        first->prev = wait;
    list->first = wait;
}

bool waitlist_remove(struct waitlist *list, struct wait *wait)
{
    struct wait *first = list->first, *next = wait->next;
    if (!wait->queued)
        return false;
    wait->queued = false;
    if (wait == first)
        list->first = next;
    else
        wait->prev->next = next;
    if (next)
        next->prev = wait->prev; /* where wait was first, that is the last */
    else if (wait != first)
        first->prev = wait->prev;
    return true;
}

bool waitlist_claim(struct waitlist *list, struct wait *wait, struct wait ***end)
{
    waitlist_remove(list, wait);
    if (!wait_claim(wait))
        return false;
    wait->next = NULL;
    **end = wait;
    *end = &wait->next;
    return true;
}

struct wait *waitlist_claim_first(struct waitlist *list)
{
    while (list->first) {
        struct wait *oldest = list->first;
        waitlist_remove(list, oldest);
        if (wait_claim(oldest))
            return oldest;
    }
    return NULL;
}

struct wait *waitlist_claim_all(struct waitlist *list)
{
    struct wait *claimed = NULL, **end = &claimed;
    while (list->first)
        waitlist_claim(list, list->first, &end);
    return claimed;
}

void waitline_commit(void *argument)
{
    struct wait *wait = argument;
    struct waitline *line = wait->on;
    wait_commit(wait);
    waitlist_unlock(&line->word, &line->list);
}

void waitline_leave(struct waitline *line, struct wait *wait)
{
    waitlist_lock(&line->word);
    waitlist_remove(&line->list, wait);
    waitlist_unlock(&line->word, &line->list);
}

void waitlist_resume_all(struct wait *claimed)
{
    while (claimed) {
        struct task *task = claimed->task;
        claimed = claimed->next;
        wait_resume(task);
    }
}
