/* Whoever gets a read-write lock from an unlock may free it at once: the one that unlocked, or gave
 * up and so let others in, does not touch it any more. */
#include "test_support/crowd.h"
#include "test_support/graveyard.h"

enum { GROUPS = 6, ROUNDS = 20000 };

/* Three users; the last to leave frees it. */
struct shared {
    bine_rwlock lock;
    _Atomic int users;
};

static struct graveyard freed[GROUPS];

/* The number of users is counted down while the lock is held, so the last one knows that the others
 * do no more than unlock it, and has the lock from such an unlock. */
static void leave(struct graveyard *yard, struct shared *shared, bool writes)
{
    (writes ? bine_write_lock : bine_read_lock)(&shared->lock);
    if (!writes) { /* others may hold it, too: so a reader is never the one to free */
        bine_read_unlock(&shared->lock);
        bine_write_lock(&shared->lock);
    }
    bool last = --shared->users == 0;
    bine_write_unlock(&shared->lock);
    if (last) /* one of a group at a time: its rounds follow one another */
        graveyard_bury(yard, shared, sizeof(*shared));
}

static void play(int number)
{
    for (int i = 0; i < test_scaled(ROUNDS); i++) {
        struct shared *shared = calloc(1, sizeof(*shared));
        bine_future(void) others[2];
        CHECK(shared);
        shared->users = 3;
        for (int j = 0; j < 2; j++)
            CHECK((others[j] = bine_async(leave, &freed[number], shared, (i >> j) % 2)));
        leave(&freed[number], shared, i / 4 % 2);
        for (int j = 0; j < 2; j++)
            bine_await(others[j]);
    }
}

int main(void)
{
    crowd_start_mixed(play, GROUPS);
    crowd_join();
    for (int i = 0; i < GROUPS; i++)
        graveyard_close(&freed[i]);
    return 0;
}
