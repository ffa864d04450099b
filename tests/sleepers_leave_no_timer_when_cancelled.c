/* Waits that end before their deadline leave nothing behind: not in memory, not in later waits. */
#include "test_support/process.h"

enum { ROUNDS = 200000, SETTLED = 2000, GROWTH_KIB = 4 * 1024 };

static bine_event asked, answered;

static void answer(int rounds)
{
    for (int i = 0; i < rounds; i++) {
        CHECK_EQ(bine_event_wait_until(&asked, bine_after(BINE_S(1000))), 0);
        bine_event_clear(&asked);
        bine_event_set(&answered);
    }
}

static void ask(int rounds)
{
    for (int i = 0; i < rounds; i++) {
        bine_event_set(&asked);
        CHECK_EQ(bine_event_wait_until(&answered, bine_after(BINE_S(1000))), 0);
        bine_event_clear(&answered);
    }
}

static void play(int rounds)
{
    bine_future(void) answerer = bine_async(answer, rounds);
    bine_future(void) asker = bine_async(ask, rounds);
    CHECK(answerer && asker);
    bine_await(asker);
    bine_await(answerer);
}

int main(void)
{
    play(SETTLED);
    long memory = process_read_kib("/proc/self/status", "VmRSS");
    play(test_scaled(ROUNDS));
    if (!TEST_SANITIZED)
        CHECK(process_read_kib("/proc/self/status", "VmRSS") <= memory + GROWTH_KIB);
    return 0;
}
