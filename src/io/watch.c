/*
 * Waiting for either direction takes a place in both lists. The places stand for one wait, so that
 * whoever announces an edge claims that; who comes second fails, and turns to the next in its list.
 * A place in a list is taken out, the lock held, before its memory goes.
 *
 * One that was woken has used nothing up, so the edge is handed on to the next in the list at once.
 */
#include "io/watch.h"
#include "sched/monitor.h"
#include "sched/pool.h"
#include "sched/worker.h"
#include <bine/io.h>
#include <errno.h>
#include <poll.h>

static const short events_of[SIDES] = {POLLIN, POLLOUT};

int watch_begin(struct watch *watch, int fd, short events)
{
    if (events == 0 || (events & ~(POLLIN | POLLOUT)))
        return -EINVAL;
    watch->events = events;
    for (int i = 0; i < SIDES; i++) {
        watch->node[i].queued = false;
        watch->node[i].word = WOKEN_NOT;
    }
    return use_begin(&watch->use, fd);
}

/* Asks the kernel. */
static int ask(struct use *use, short events)
{
    struct pollfd poll_fd = {use->fd, events, 0};
    int count;
    if (!use_enter(use))
        return -EBADF;
    while ((count = poll(&poll_fd, 1, 0)) < 0 && errno == EINTR)
        ;
    int error = count < 0 ? -errno : 0;
    use_leave(use);
    if (error || (poll_fd.revents & POLLNVAL))
        return error ? error : -EBADF;
    return poll_fd.revents & (POLLERR | POLLHUP) ? events : poll_fd.revents & events;
}

int watch_ready(struct watch *watch)
{
    struct use *use = &watch->use;
    uint32_t seen[SIDES];
    for (int i = 0; i < SIDES; i++)
        seen[i] = atomic_load_explicit(&use->descriptor->side[i].word, memory_order_acquire);
    int ready = ask(use, watch->events);
    for (int i = 0; i < SIDES && ready >= 0; i++) {
        use->seen = seen[i];
        if ((watch->events & events_of[i]) && !(ready & events_of[i]) && (seen[i] & SIDE_READY))
            side_tried(use, (enum side_index)i, OUTCOME_NONE);
    }
    return ready;
}

int watch_announce(struct watch *watch)
{
    if (use_traits(&watch->use) & (TRAIT_FILE | TRAIT_PROMPT))
        return 0;
    int error = side_announce(&watch->use);
    return error == -EPERM ? 0 : error; /* it cannot be polled: always ready */
}

bool watch_enlist(struct watch *watch, const struct wait *wait)
{
    struct descriptor *descriptor = watch->use.descriptor;
    if (!descriptor_is_open(descriptor, watch->use.generation))
        return false;
    for (int i = 0; i < SIDES; i++) {
        struct wait *node = &watch->node[i];
        if (!(watch->events & events_of[i]))
            continue;
        node->task = wait->task;
        node->armed = wait->armed;
        if (!side_join(&descriptor->side[i], node))
            return false;
    }
    return true;
}

void watch_delist(struct watch *watch)
{
    struct descriptor *descriptor = watch->use.descriptor;
    struct task *woken = NULL;
    spin_lock(&descriptor->lock);
    /* Once closed, nothing is in a list, and the edge that came is nobody's. */
    bool is_open = descriptor_is_open(descriptor, watch->use.generation);
    for (int i = 0; i < SIDES && is_open; i++)
        side_depart(&descriptor->side[i], &watch->node[i], &woken);
    spin_unlock(&descriptor->lock);
    wait_resume_all(woken);
}

bool watch_was_woken(const struct watch *watch)
{
    return watch->node[SIDE_IN].word != WOKEN_NOT || watch->node[SIDE_OUT].word != WOKEN_NOT;
}

static void commit_poll(void *argument)
{
    struct wait *wait = argument;
    struct watch *watch = wait->on;
    wait_commit(wait);
    spin_unlock(&watch->use.descriptor->lock);
}

static int park(struct watch *watch)
{
    struct descriptor *descriptor = watch->use.descriptor;
    struct wait wait;
    int error = 0;
    wait_begin(&wait, "poll", watch, BINE_NEVER);
    spin_lock(&descriptor->lock);
    if (watch_enlist(watch, &wait)) {
        error = wait_park(&wait, commit_poll);
    } else {
        spin_unlock(&descriptor->lock);
        wait_abandon(&wait);
    }
    watch_delist(watch);
    return error;
}

static int wait_for_edge(struct watch *watch)
{
    int error = watch_announce(watch);
    if (error || worker_self())
        return error ? error : park(watch);
    if ((error = side_begin_in_thread()))
        return error;
    error = park(watch);
    side_end_in_thread();
    return error;
}

int bine_poll(int fd, short events)
{
    struct watch watch;
    int error = watch_begin(&watch, fd, events), ready;
    worker_heed_budget_here();
    if (error || (error = run_check(run_self())))
        return error;
    while ((ready = watch_ready(&watch)) == 0)
        if ((error = wait_for_edge(&watch)))
            return error;
    return ready;
}
