/*
 * A lock for short sections: no switch, system call, allocation or callback under it. All-zero is
 * free. Releasing it is one store, its last touch.
 */
#ifndef BINE_BASE_SPINLOCK_H
#define BINE_BASE_SPINLOCK_H

#include "base/compiler.h"
#include <stdbool.h>
#include <stdint.h>

struct spinlock {
    _Atomic uint32_t held; /* 1 while somebody holds it */
};

/* One after the other: how long a spinner that found a lock taken stays away from its line. */
struct backoff {
    int64_t pause_ns;
};

/* Spins a while, twice as long each time up to 13 us; from then on gives the processor up too, for
 * the holder may have lost its own. */
void backoff_pause(struct backoff *backoff);

/* Spins for about `ns` nanoseconds, which a count of pauses cannot do: a pause is 10 to 140 cycles
 * long. */
void spin_for(int64_t ns);

void spin_lock_contended(struct spinlock *lock);

static inline bool spin_try_lock(struct spinlock *lock)
{
    /* acquire: pairs with the release in spin_unlock(). */
    return atomic_load_explicit(&lock->held, memory_order_relaxed) == 0 &&
           atomic_exchange_explicit(&lock->held, 1, memory_order_acquire) == 0;
}

static inline void spin_lock(struct spinlock *lock)
{
    if (unlikely(atomic_exchange_explicit(&lock->held, 1, memory_order_acquire) != 0))
        spin_lock_contended(lock);
}

static inline void spin_unlock(struct spinlock *lock)
{
    atomic_store_explicit(&lock->held, 0, memory_order_release);
}

#endif
