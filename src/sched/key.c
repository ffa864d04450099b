/*
 * Keys. A run has an array of values as long as its highest key that was set; most have none. A
 * destroy function may set values again: as with threads, they are destroyed too, in up to
 * ROUNDS rounds.
 */
#include "sched/key.h"
#include "sched/park.h"
#include <bine/task.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_KEYS = 1024, FIRST_VALUES = 8, ROUNDS = 4 };

static void (*_Atomic destroy_functions[MOST_KEYS])(void *value);
static _Atomic unsigned keys_made;

int bine_key_make(bine_key *key, void (*destroy)(void *value))
{
    if (!key)
        return -EINVAL;
    unsigned made = atomic_load(&keys_made);
    do {
        if (made == MOST_KEYS)
            return -EAGAIN;
    } while (!atomic_compare_exchange_weak(&keys_made, &made, made + 1));
    atomic_store(&destroy_functions[made], destroy);
    *key = made;
    return 0;
}

void *bine_key_get(bine_key key)
{
    const struct key_values *keys = &run_self()->keys;
    return key < keys->count ? keys->value[key] : NULL;
}

static int make_room(struct key_values *keys, unsigned count)
{
    unsigned room = keys->count ? keys->count : FIRST_VALUES;
    while (room < count)
        room *= 2;
    void **value = realloc(keys->value, room * sizeof *value);
    if (!value)
        return -ENOMEM;
    memset(value + keys->count, 0, (room - keys->count) * sizeof *value);
    keys->value = value;
    keys->count = room;
    return 0;
}

int bine_key_set(bine_key key, void *value)
{
    struct key_values *keys = &run_self()->keys;
    if (key >= atomic_load(&keys_made))
        return -EINVAL;
    if (key >= keys->count) {
        if (!value)
            return 0;
        int error = make_room(keys, key + 1);
        if (error)
            return error;
    }
    keys->value[key] = value;
    return 0;
}

/* True if there was something to destroy. */
static bool destroy_values(struct run *run)
{
    bool any = false;
    for (unsigned i = 0; i < run->keys.count; i++) {
        void *value = run->keys.value[i];
        void (*destroy)(void *) = value ? atomic_load(&destroy_functions[i]) : NULL;
        run->keys.value[i] = NULL;
        if (destroy) {
            destroy(value);
            any = true;
        }
    }
    return any;
}

void key_end_run(struct run *run)
{
    for (int round = 0; round < ROUNDS && destroy_values(run); round++)
        ;
    free(run->keys.value);
    run->keys = (struct key_values){0};
}
