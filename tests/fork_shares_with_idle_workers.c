/* Where a worker has nothing to do it comes for children, also when their parent is in a
 * long computation and makes no call: none waits for the join. */
/* test: workers=2,8 */
#include "test.h"
#include <bine/parallel.h>

enum { CHILDREN = 5 };

static _Atomic int ran;

static int run(int number)
{
    ran++;
    return number;
}

/* Computes, without a call into bine, until others have run all children. */
static int fork_and_compute(void)
{
    bine_child(int) child[CHILDREN];
    ran = 0;
    for (int i = 0; i < CHILDREN; i++)
        bine_fork(&child[i], run, i + 1);
    while (ran < CHILDREN)
        test_spin(1000);
    for (int i = CHILDREN - 1; i >= 0; i--)
        CHECK_EQ(bine_join(&child[i]), i + 1);
    return 0;
}

int main(void)
{
    for (int i = 0; i < test_scaled(100); i++) {
        CHECK_EQ(bine_run(fork_and_compute), 0);
        CHECK_EQ(fork_and_compute(), 0);
    }
    return 0;
}
