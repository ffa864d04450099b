#include "sched/pending.h"
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_EVERY_NS = 1000000 /* of a worker that does not sleep */ };

_Atomic uint64_t pending_set;
static void (*_Atomic tell_found)(int number);

void pending_watch(uint64_t set, void (*tell)(int number))
{
    /* release: pairs with the acquire in pending_look(). */
    atomic_store_explicit(&tell_found, tell, memory_order_relaxed);
    atomic_store_explicit(&pending_set, set, memory_order_release);
}

void pending_look(int64_t now)
{
    static __thread int64_t looked_at;
    const struct timespec at_once = {0, 0};
    int number;
    if (now != INT64_MAX && now - looked_at < LOOK_EVERY_NS)
        return;
    if (now != INT64_MAX)
        looked_at = now;
    uint64_t set = atomic_load_explicit(&pending_set, memory_order_acquire);
    while (set &&
           (number = (int)syscall(SYS_rt_sigtimedwait, &set, NULL, &at_once, sizeof set)) > 0)
        atomic_load_explicit(&tell_found, memory_order_relaxed)(number);
}
