/* bine_after gives now for negative spans and BINE_NEVER where the sum overflows. */
/* test: workers=1 */
#include "test.h"

static void check_between(bine_time span, bine_time added)
{
    bine_time before = bine_now();
    bine_time deadline = bine_after(span);
    bine_time after = bine_now();
    CHECK(deadline >= before + added && deadline <= after + added);
}

int main(void)
{
    check_between(0, 0);
    check_between(-1, 0);
    check_between(INT64_MIN, 0);
    check_between(1, 1);
    check_between(BINE_S(0.5), 500000000);
    check_between(BINE_MS(2.5), 2500000);
    check_between(BINE_US(3), 3000);
    CHECK(bine_after(BINE_NEVER) == BINE_NEVER);
    CHECK(bine_after(INT64_MAX - 1) == BINE_NEVER);
    CHECK(bine_after(INT64_MAX - bine_now() / 2) == BINE_NEVER);
    CHECK(bine_after(INT64_MAX / 2) < BINE_NEVER);

    bine_time last = bine_now();
    for (int i = 0; i < 1000; i++) {
        bine_time now = bine_now();
        CHECK(now >= last);
        last = now;
    }
    struct timespec kernel; /* it is that clock */
    clock_gettime(CLOCK_MONOTONIC, &kernel);
    CHECK(bine_now() >= (bine_time)kernel.tv_sec * 1000000000 + kernel.tv_nsec);
    return 0;
}
