/* However many come, tasks and plain threads, the function runs once, and nobody goes on before it
 * has run: not even one that has been cancelled. */
#include "test_support/crowd.h"
#include "test_support/line.h"

enum { USERS = 32, ROUNDS = 300 };

static bine_once once;
static _Atomic int runs, finished, through;

static void run(void)
{
    runs++;
    bine_yield();
    CHECK_EQ(bine_sleep(BINE_US(50)), 0);
    finished = runs;
}

static void come(int number)
{
    (void)number;
    bine_once_do(&once, run);
    CHECK_EQ(finished, 1);
    through++;
}

static void check_crowd(void)
{
    for (int i = 0; i < test_scaled(ROUNDS); i++) {
        once = (bine_once){0};
        runs = finished = through = 0;
        crowd_start_mixed(come, USERS);
        crowd_join();
        bine_once_do(&once, run);
        CHECK_EQ(runs, 1);
        CHECK_EQ(through, USERS);
    }
}

static _Atomic bool goes_on;

static void run_until_told(void)
{
    EVENTUALLY(goes_on);
    finished = 1;
}

static int come_cancelled(void)
{
    bine_once_do(&once, run_until_told);
    CHECK_EQ(finished, 1);
    return bine_check();
}

static void check_cancelled(void)
{
    bine_future(int) users[2];
    once = (bine_once){0};
    finished = 0;
    for (int i = 0; i < 2; i++)
        CHECK((users[i] = bine_async(come_cancelled)));
    line_until(&once, 1);
    for (int i = 0; i < 2; i++)
        bine_cancel(users[i]);
    goes_on = true;
    for (int i = 0; i < 2; i++)
        CHECK_EQ(bine_await(users[i]), -ECANCELED);
}

int main(void)
{
    check_crowd();
    check_cancelled();
    return 0;
}
