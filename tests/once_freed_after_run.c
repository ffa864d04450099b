/* Who has waited until a function was run once may free the object: the one that ran it does not
 * touch it any more. */
#include "test_support/crowd.h"

enum { USERS = 8, ROUNDS = 3000, POISON = 0x5a };

static bine_key runs_here; /* of a caller: a bool, set where it is the one that runs the function */

static void run(void)
{
    bool *here = bine_key_get(runs_here);
    *here = true;
    bine_yield();
}

static void come(bine_once *once, bine_waitgroup *gone)
{
    bool here = false;
    CHECK_EQ(bine_key_set(runs_here, &here), 0);
    bine_once_do(once, run);
    bine_waitgroup_done(gone);
}

/* Its frame holds the object, and is used again by look_at_frame(). */
__attribute__((noinline)) static bool use_frame(bine_waitgroup *gone, int round)
{
    bine_once once = {0};
    bool here = false;
    CHECK_EQ(bine_key_set(runs_here, &here), 0);
    bine_waitgroup_add(gone, 1);
    CHECK_EQ(bine_go(come, &once, gone), 0);
    test_spin((unsigned)round % 200);
    if (round % 4)
        bine_yield();
    bine_once_do(&once, run);
    if (here) /* the other one may not even have come */
        CHECK_EQ(bine_waitgroup_wait(gone), 0);
    return here;
}

/* The other one is through with it at the latest when it is gone. */
__attribute__((noinline)) static void look_at_frame(bine_waitgroup *gone)
{
    volatile unsigned char bytes[512];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = POISON;
    CHECK_EQ(bine_waitgroup_wait(gone), 0);
    for (size_t i = 0; i < sizeof(bytes); i++)
        CHECK_EQ(bytes[i], POISON);
}

static void use_often(int number)
{
    bine_waitgroup gone = {0};
    int waited = 0;
    for (int i = 0; i < test_scaled(ROUNDS); i++) {
        waited += !use_frame(&gone, number + i);
        look_at_frame(&gone);
    }
    CHECK(waited > 0); /* else nobody raced */
}

int main(void)
{
    CHECK_EQ(bine_key_make(&runs_here, NULL), 0);
    crowd_start_mixed(use_often, USERS);
    crowd_join();
    return 0;
}
