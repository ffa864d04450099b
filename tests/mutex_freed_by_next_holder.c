/*
 * Whoever gets a mutex from an unlock may free it at once: the unlocker does not touch it any more.
 * Freed ones are filled with a pattern and looked at again later.
 */
#include "test_support/crowd.h"

enum { PAIRS = 6, ROUNDS = 5000, KEPT = 64, POISON = 0xa5 };

/* Two users; the second to leave frees it. */
struct shared {
    bine_mutex mutex;
    int users; /* guarded by mutex */
};

struct pair {
    struct shared *_Atomic current; /* handed from the one that makes it to the other */
    struct shared *freed[KEPT];     /* the last ones, only poisoned yet */
    bine_mutex freed_mutex;
    int freed_count;
};

static struct pair pairs[PAIRS];

static void check_poison(const struct shared *shared)
{
    const unsigned char *bytes = (const unsigned char *)shared;
    for (size_t i = 0; i < sizeof(*shared); i++)
        CHECK_EQ(bytes[i], POISON);
}

static void free_later(struct pair *pair, struct shared *shared)
{
    memset(shared, POISON, sizeof(*shared));
    bine_lock(&pair->freed_mutex);
    struct shared **place = &pair->freed[pair->freed_count++ % KEPT];
    if (*place)
        check_poison(*place);
    free(*place);
    *place = shared;
    bine_unlock(&pair->freed_mutex);
}

static void leave(struct pair *pair, struct shared *shared, int round)
{
    bine_lock(&shared->mutex);
    test_spin((unsigned)round % 50);
    bool last = --shared->users == 0;
    bine_unlock(&shared->mutex);
    if (last)
        free_later(pair, shared);
}

static void make(int number)
{
    struct pair *pair = &pairs[number / 2];
    for (int i = 0; i < test_scaled(ROUNDS); i++) {
        struct shared *shared = calloc(1, sizeof(*shared));
        CHECK(shared);
        shared->users = 2;
        while (pair->current)
            bine_yield();
        pair->current = shared;
        leave(pair, shared, i);
    }
}

static void follow(int number)
{
    struct pair *pair = &pairs[number / 2];
    for (int i = 0; i < test_scaled(ROUNDS); i++) {
        struct shared *shared;
        while (!(shared = pair->current))
            bine_yield();
        pair->current = NULL;
        leave(pair, shared, i * 7);
    }
}

static void play(int number)
{
    (number % 2 ? follow : make)(number);
}

int main(void)
{
    crowd_start_mixed(play, 2 * PAIRS);
    crowd_join();
    for (int i = 0; i < PAIRS; i++)
        for (int j = 0; j < KEPT; j++) {
            if (pairs[i].freed[j])
                check_poison(pairs[i].freed[j]);
            free(pairs[i].freed[j]);
        }
    return 0;
}
