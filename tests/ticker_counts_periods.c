/*
 * A ticker returns each period once, those that were missed in one number, and does not drift; it is
 * ended by a cancellation and by a deadline around it, and refuses a period that is none.
 */
#include "test.h"
#include <bine/scope.h>

static int check_count(void)
{
    const bine_time period = BINE_US(200);
    bine_ticker ticker;
    bine_time before = bine_now();
    CHECK_EQ(bine_ticker_start(&ticker, period), 0);
    bine_time start = ticker.next - period;
    CHECK(start >= before && start <= bine_now());
    int64_t count = 0;
    for (int i = 0; i < 50; i++) {
        int64_t ended = bine_ticker_wait(&ticker);
        CHECK(ended >= 1);
        count += ended;
        CHECK(bine_now() >= start + count * period);
    }
    CHECK_EQ(ticker.next, start + (count + 1) * period);
    CHECK_EQ(bine_sleep_until(ticker.next + 10 * period), 0);
    CHECK(bine_ticker_wait(&ticker) >= 11);
    return 0;
}

static int tick_for_ever(void)
{
    bine_ticker ticker;
    int64_t ended;
    CHECK_EQ(bine_ticker_start(&ticker, BINE_US(100)), 0);
    while ((ended = bine_ticker_wait(&ticker)) > 0)
        ;
    CHECK_EQ(bine_ticker_wait(&ticker), ended); /* a level: it stays */
    return (int)ended;
}

static int tick_within(void)
{
    int result = 0;
    BINE_WITHIN(BINE_MS(1))
        result = tick_for_ever();
    return result;
}

static int check_far(void)
{
    bine_ticker ticker;
    CHECK_EQ(bine_ticker_start(&ticker, INT64_MAX), 0);
    CHECK_EQ(ticker.next, BINE_NEVER);
    BINE_WITHIN(BINE_MS(1))
        CHECK_EQ(bine_ticker_wait(&ticker), -ETIMEDOUT);
    return 0;
}

static void check_misuse(void)
{
    bine_ticker ticker = {0};
    CHECK_EQ(bine_ticker_wait(&ticker), -EINVAL); /* not started */
    CHECK_EQ(bine_ticker_start(&ticker, 0), -EINVAL);
    CHECK_EQ(bine_ticker_start(&ticker, -1), -EINVAL);
    CHECK_EQ(bine_ticker_wait(&ticker), -EINVAL);
    CHECK_EQ(bine_ticker_start(NULL, 1), -EINVAL);
}

int main(void)
{
    check_misuse();
    check_count();
    check_far();
    CHECK_EQ(tick_within(), -ETIMEDOUT);
    CHECK_EQ(bine_run(check_count), 0);
    CHECK_EQ(bine_run(check_far), 0);
    CHECK_EQ(bine_run(tick_within), -ETIMEDOUT);
    bine_future(int) ticking = bine_async(tick_for_ever);
    CHECK(ticking);
    CHECK_EQ(bine_sleep(BINE_MS(1)), 0);
    bine_cancel(ticking);
    CHECK_EQ(bine_await(ticking), -ECANCELED);
    return 0;
}
