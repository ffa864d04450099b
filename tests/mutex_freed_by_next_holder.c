/*
 * Whoever gets a mutex from an unlock may free it at once: the unlocker does not touch it any more.
 * Freed ones are filled with a pattern and looked at again later.
 */
#include "test_support/crowd.h"
#include "test_support/graveyard.h"

enum { PAIRS = 6, ROUNDS = 5000 };

/* Two users; the second to leave frees it. */
struct shared {
    bine_mutex mutex;
    int users; /* guarded by mutex */
};

struct pair {
    struct shared *_Atomic current; /* handed from the one that makes it to the other */
    bine_mutex freeing;
    struct graveyard freed; /* guarded by freeing */
};

static struct pair pairs[PAIRS];

static void leave(struct pair *pair, struct shared *shared, int round)
{
    bine_lock(&shared->mutex);
    test_spin((unsigned)round % 50);
    bool last = --shared->users == 0;
    bine_unlock(&shared->mutex);
    if (last) {
        bine_lock(&pair->freeing);
        graveyard_bury(&pair->freed, shared, sizeof(*shared));
        bine_unlock(&pair->freeing);
    }
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
        graveyard_close(&pairs[i].freed);
    return 0;
}
