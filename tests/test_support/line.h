/* Who stands in line at a lock or its like: for tests of order, which must know that one waits
 * before they start the next. Looks inside. */
#ifndef BINE_TEST_LINE_H
#define BINE_TEST_LINE_H

#include "../test.h"
#include "sync/waitlist.h"

/* `object`: a mutex, or anything else that begins with a struct waitline. */
static inline int line_length(void *object)
{
    struct waitline *line = object;
    int length = 0;
    waitlist_lock(&line->word);
    for (const struct wait *wait = line->list.first; wait; wait = wait->next)
        length++;
    waitlist_unlock(&line->word, &line->list);
    return length;
}

/* Waits until exactly `count` stand in line, tasks and plain threads. */
static inline void line_until(void *object, int count)
{
    EVENTUALLY(line_length(object) == count);
}

#endif
