/*
 * A pool may be closed by whoever a task in it has told, although the thread that started the task
 * has not come back from starting it.
 */
#include "test.h"
#include <bine.h>

enum { ROUNDS = TEST_SANITIZED ? 300 : 1000 };

struct round {
    bine_pool *pool;
    bine_event told;
};

static void tell(bine_event *told)
{
    bine_event_set(told);
}

static void *start_task(void *argument)
{
    struct round *round = argument;
    CHECK_EQ(bine_pool_go(round->pool, tell, &round->told), 0);
    return NULL;
}

int main(void)
{
    bine_pool_options options = {.workers = 1};
    for (int i = 0; i < ROUNDS; i++) {
        struct round round = {0};
        CHECK_EQ(bine_pool_open(&round.pool, &options), 0);
        if (i % 2)
            test_spin(20000); /* its worker sleeps by now, or not yet */
        pthread_t thread = test_thread(start_task, &round);
        CHECK_EQ(bine_event_wait(&round.told), 0);
        CHECK_EQ(bine_pool_close(round.pool), 0);
        test_join(thread);
    }
    return 0;
}
