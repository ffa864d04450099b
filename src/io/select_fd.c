/*
 * Descriptors as cases of select: what chan/select.h asks for, by way of watch.h.
 *
 * Enlisting happens in the commit of the select's wait, when claimers of that wait look again and
 * again until the commit is done, some with a descriptor locked. So it only tries to lock: where it
 * cannot, it says that an event came, and select asks once more.
 */
#include "io/watch.h"
#if __has_include("chan/select.h")
#include "chan/select.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

enum { LOCK_TRIES = 100 };

static void end(struct select_fd *fd)
{
    free(fd->entry);
}

static int begin(struct select_fd *fd)
{
    struct watch *watch = malloc(sizeof *watch);
    if (!watch)
        return -ENOMEM;
    fd->entry = watch;
    int error = watch_begin(watch, fd->fd, fd->events);
    if (!error)
        error = watch_announce(watch);
    if (error)
        end(fd);
    return error;
}

/* Closed under the select: poll() says POLLNVAL for such a number. */
static short ready(struct select_fd *fd)
{
    int events = watch_ready(fd->entry);
    return events < 0 ? POLLNVAL : (short)events;
}

static bool enlist(struct select_fd *fd)
{
    struct watch *watch = fd->entry;
    struct spinlock *lock = &watch->use.descriptor->lock;
    bool locked = spin_try_lock(lock);
    for (int i = 0; i < LOCK_TRIES && !locked; i++) {
        cpu_relax();
        locked = spin_try_lock(lock);
    }
    if (!locked)
        return false;
    bool listed = watch_enlist(watch, &fd->wait);
    spin_unlock(lock);
    return listed;
}

static short delist(struct select_fd *fd)
{
    watch_delist(fd->entry);
    return watch_was_woken(fd->entry) ? ready(fd) : 0;
}

void descriptor_offer_to_select(void)
{
    static const struct select_fd_calls calls = {begin, end, ready, enlist, delist};
    select_set_fd_calls(&calls);
}
#else
void descriptor_offer_to_select(void)
{
}
#endif
