/* Objects that were freed, but for their memory: it is filled with a pattern and looked at before
 * it goes, so that who still writes to one is found out. */
#ifndef BINE_TEST_GRAVEYARD_H
#define BINE_TEST_GRAVEYARD_H

#include "../test.h"

enum { GRAVES = 64, GRAVE_POISON = 0xa5 };

struct graveyard {
    struct grave {
        void *object; /* NULL: none yet */
        size_t size;
    } graves[GRAVES]; /* the last objects */
    int count;
};

static inline void grave_open(struct grave *grave)
{
    const unsigned char *bytes = grave->object;
    for (size_t i = 0; i < grave->size; i++)
        CHECK_EQ(bytes[i], GRAVE_POISON);
    free(grave->object);
    *grave = (struct grave){0};
}

/* From one thread or task at a time. */
static inline void graveyard_bury(struct graveyard *yard, void *object, size_t size)
{
    memset(object, GRAVE_POISON, size);
    struct grave *grave = &yard->graves[yard->count++ % GRAVES];
    grave_open(grave);
    *grave = (struct grave){object, size};
}

static inline void graveyard_close(struct graveyard *yard)
{
    for (int i = 0; i < GRAVES; i++)
        grave_open(&yard->graves[i]);
}

#endif
