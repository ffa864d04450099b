/*
 * Where there is no memory for tasks, children are run by their parents, and loops and sorts go on;
 * with a stolen or settled child here and there. What needs memory and finds none says so.
 */
/* test: plain */
#include "test.h"
#include "base/os.h"
#include <bine/parallel.h>
#include <stdatomic.h>

enum { CHILDREN = 100000 };

static _Atomic int refused, ran;

static void *map_nothing(size_t size)
{
    (void)size;
    atomic_fetch_add(&refused, 1);
    return NULL;
}

static int one(int number)
{
    ran++;
    return number;
}

struct crowd {
    bine_child(int) child[CHILDREN];
};

static int fork_many(void)
{
    struct crowd *crowd = malloc(sizeof *crowd);
    CHECK(crowd);
    ran = 0;
    for (int i = 0; i < CHILDREN; i++)
        bine_fork(&crowd->child[i], one, i);
    bine_yield();
    for (int i = CHILDREN - 1; i >= 0; i--)
        CHECK_EQ(bine_join(&crowd->child[i]), i);
    CHECK_EQ(ran, CHILDREN);
    free(crowd);
    return 0;
}

static void count(void *context, size_t begin, size_t end)
{
    *(_Atomic long *)context += (long)(end - begin);
    if (begin % 10 == 0)
        bine_yield();
}

static int loop(void)
{
    _Atomic long counted = 0;
    CHECK_EQ(bine_for(0, 5000, 1, count, &counted), 0);
    CHECK_EQ(counted, 5000);
    return 0;
}

int main(void)
{
    bine_future(int) early = bine_async(loop);
    CHECK(early);
    CHECK_EQ(bine_await(early), 0);
    os_calls.map = map_nothing;
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(bine_run(fork_many), 0);
        CHECK_EQ(bine_run(loop), 0);
        CHECK_EQ(loop(), 0);
    }
    CHECK(refused > 0); /* else nothing was short, and the test has shown nothing */
    return 0;
}
