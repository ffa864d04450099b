/* Descriptors as cases of select: what chan/select.h asks for, by way of watch.h. */
#include "chan/select.h"
#include "io/watch.h"
#include "sched/worker.h"
#include <errno.h>
#include <stdlib.h>

/* A case on a descriptor while its select runs. */
struct selected {
    struct watch watch;
    bool in_thread; /* the select is a plain thread's */
};

static int begin(int fd, short events, void **entry)
{
    struct selected *selected = malloc(sizeof *selected);
    int error = selected ? watch_begin(&selected->watch, fd, events) : -ENOMEM;
    if (!error)
        error = watch_announce(&selected->watch);
    if (!error && (selected->in_thread = !worker_self()))
        error = side_begin_in_thread();
    if (error)
        free(selected);
    else
        *entry = selected;
    return error;
}

static void end(void *entry)
{
    struct selected *selected = entry;
    if (selected->in_thread)
        side_end_in_thread();
    free(selected);
}

static int ready(void *entry)
{
    return watch_ready(&((struct selected *)entry)->watch);
}

static struct spinlock *lock_of(void *entry)
{
    return &((struct selected *)entry)->watch.use.descriptor->lock;
}

static bool enlist(void *entry, const struct wait *wait)
{
    return watch_enlist(&((struct selected *)entry)->watch, wait);
}

static void delist(void *entry)
{
    watch_delist(&((struct selected *)entry)->watch);
}

void descriptor_offer_to_select(void)
{
    static const struct select_fd_calls calls = {begin, end, ready, lock_of, enlist, delist};
    select_set_fd_calls(&calls);
}
