/* Each task and each plain thread has its own values under a key; a new one starts with NULL. */
#include "test_support/crowd.h"

enum { USERS = 40, KEYS = 20, ROUNDS = 100 };

static bine_key keys[KEYS];

static void *value_of(int user, int key)
{
    return (void *)(intptr_t)(user * KEYS + key + 1);
}

static void use_keys(int user)
{
    for (int i = 0; i < KEYS; i++) {
        CHECK(bine_key_get(keys[i]) == NULL);
        if (i != user % KEYS)
            CHECK_EQ(bine_key_set(keys[i], value_of(user, i)), 0);
    }
    for (int round = 0; round < ROUNDS; round++) {
        int i = round % KEYS;
        CHECK(bine_key_get(keys[i]) == (i == user % KEYS ? NULL : value_of(user, i)));
        if (round % 7 == 0)
            CHECK_EQ(bine_sleep(BINE_US(50)), 0);
        else
            bine_yield();
    }
    CHECK_EQ(bine_key_set(keys[0], NULL), 0);
    CHECK(bine_key_get(keys[0]) == NULL);
}

int main(void)
{
    for (int i = 0; i < KEYS; i++) {
        CHECK_EQ(bine_key_make(&keys[i], NULL), 0);
        for (int j = 0; j < i; j++)
            CHECK(keys[i] != keys[j]);
    }
    crowd_start_mixed(use_keys, USERS);
    crowd_join();
    crowd_start_mixed(use_keys, USERS); /* on used stacks and records */
    crowd_join();
    return 0;
}
