/* <bine.h> alone, before anything else, is all a program needs. */
#include <bine.h>

static bine_guarded(long) sum;

static int add(int number)
{
    BINE_LOCKED (&sum, s) {
        *s += number;
    }
    return bine_sleep(BINE_US(10));
}

int main(void)
{
    bine_future(int) futures[10];
    for (int i = 0; i < 10; i++)
        futures[i] = bine_async(add, i);
    for (int i = 0; i < 10; i++)
        if (!futures[i] || bine_await(futures[i]) != 0)
            return 1;
    return sum.data == 45 ? 0 : 1;
}
