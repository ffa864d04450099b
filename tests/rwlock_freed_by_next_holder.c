/* Whoever gets a read-write lock from an unlock may free it at once: the one that unlocked, or gave
 * up and so let others in, does not touch it any more. */
#include "test_support/crowd.h"

enum { PAIRS = 6, ROUNDS = 20000, KEPT = 64, POISON = 0xa5 };

/* Three users; the last to leave frees it. */
struct shared {
    bine_rwlock lock;
    _Atomic int users;
};

static struct pair {
    struct shared *freed[KEPT]; /* the last ones, only poisoned yet */
    int freed_count;
} pairs[PAIRS];

static void check_poison(const struct shared *shared)
{
    const unsigned char *bytes = (const unsigned char *)shared;
    for (size_t i = 0; i < sizeof(*shared); i++)
        CHECK_EQ(bytes[i], POISON);
}

/* Only one user of a pair frees at a time: the rounds follow one another. */
static void free_later(struct pair *pair, struct shared *shared)
{
    memset(shared, POISON, sizeof(*shared));
    struct shared **place = &pair->freed[pair->freed_count++ % KEPT];
    if (*place)
        check_poison(*place);
    free(*place);
    *place = shared;
}

/* The number of users is counted down while the lock is held, so the last one knows that the others
 * do no more than unlock it, and has the lock from such an unlock. */
static void leave(struct pair *pair, struct shared *shared, bool writes)
{
    (writes ? bine_write_lock : bine_read_lock)(&shared->lock);
    if (!writes) { /* others may hold it, too: so a reader is never the one to free */
        bine_read_unlock(&shared->lock);
        bine_write_lock(&shared->lock);
    }
    bool last = --shared->users == 0;
    bine_write_unlock(&shared->lock);
    if (last)
        free_later(pair, shared);
}

static void play(int number)
{
    struct pair *pair = &pairs[number];
    for (int i = 0; i < test_scaled(ROUNDS); i++) {
        struct shared *shared = calloc(1, sizeof(*shared));
        bine_future(void) others[2];
        CHECK(shared);
        shared->users = 3;
        for (int j = 0; j < 2; j++)
            CHECK((others[j] = bine_async(leave, pair, shared, (i >> j) % 2)));
        leave(pair, shared, i / 4 % 2);
        for (int j = 0; j < 2; j++)
            bine_await(others[j]);
    }
}

int main(void)
{
    crowd_start_mixed(play, PAIRS);
    crowd_join();
    for (int i = 0; i < PAIRS; i++)
        for (int j = 0; j < KEPT; j++) {
            if (pairs[i].freed[j])
                check_poison(pairs[i].freed[j]);
            free(pairs[i].freed[j]);
        }
    return 0;
}
