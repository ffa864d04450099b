/* There are 1024 keys; each works, and one more is -EAGAIN. */
#include "test.h"

enum { KEYS = 1024 };

static bine_key keys[KEYS];

static int use_all(void)
{
    for (int i = 0; i < KEYS; i++)
        CHECK_EQ(bine_key_set(keys[i], &keys[i]), 0);
    bine_yield();
    for (int i = 0; i < KEYS; i++)
        CHECK(bine_key_get(keys[i]) == &keys[i]);
    return 0;
}

int main(void)
{
    bine_key another;
    for (int i = 0; i < KEYS; i++)
        CHECK_EQ(bine_key_make(&keys[i], NULL), 0);
    CHECK_EQ(bine_key_make(&another, NULL), -EAGAIN);
    CHECK_EQ(bine_key_make(&another, NULL), -EAGAIN);
    bine_future(int) user = bine_async(use_all);
    CHECK(user);
    CHECK_EQ(bine_await(user), 0);
    CHECK(bine_key_get(keys[KEYS - 1]) == NULL);
    return 0;
}
