/* Nobody passes a barrier before all have come, round after round, and exactly one of each round is
 * told 1; a cancelled party waits like the others. */
#include "test_support/crowd.h"
#include "test_support/line.h"

enum { PARTIES = 12, ROUNDS = 2000 };

static bine_barrier barrier;
static _Atomic int arrived[ROUNDS], chosen[ROUNDS];

static void play(int number)
{
    for (int i = 0; i < test_scaled(ROUNDS); i++) {
        if ((i + number) % 5 == 0)
            bine_yield();
        arrived[i]++;
        int result = bine_barrier_wait(&barrier);
        CHECK(result == 0 || result == 1);
        CHECK_EQ(arrived[i], PARTIES);
        chosen[i] += result;
    }
}

static int wait_once(void)
{
    return bine_barrier_wait(&barrier);
}

static void check_cancelled(void)
{
    bine_future(int) parties[2];
    bine_barrier_init(&barrier, 3);
    for (int i = 0; i < 2; i++)
        CHECK((parties[i] = bine_async(wait_once)));
    line_until(&barrier, 2);
    for (int i = 0; i < 2; i++)
        bine_cancel(parties[i]);
    CHECK_EQ(bine_barrier_wait(&barrier), 1);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(bine_await(parties[i]), 0);
}

static void check_alone(void)
{
    for (unsigned parties = 0; parties <= 1; parties++) {
        bine_barrier_init(&barrier, parties);
        for (int i = 0; i < 3; i++)
            CHECK_EQ(bine_barrier_wait(&barrier), 1);
    }
}

int main(void)
{
    CHECK_EQ(bine_barrier_wait(&barrier), 1); /* all-zero: none count as one */
    bine_barrier_init(&barrier, PARTIES);
    crowd_start_mixed(play, PARTIES);
    crowd_join();
    for (int i = 0; i < test_scaled(ROUNDS); i++)
        CHECK_EQ(chosen[i], 1);
    check_cancelled();
    check_alone();
    return 0;
}
