/*
 * The poller tells an edge of every descriptor although nobody asks before there are far more than
 * fit into a batch or a queue, and although the thread that announced them has ended since.
 */
#include "test.h"
#include "poll/poll.h"
#include <sys/eventfd.h>
#include <sys/resource.h>

enum { MOST = 10000, ROUNDS = 3 };

static int fds[MOST];
static int count;
static uint32_t told[MOST]; /* READY_ bits by the place in fds */
static int place_of[2 * MOST];

static void deliver(const struct poll_batch *batch)
{
    for (int i = 0; i < batch->count; i++) {
        int fd = (int)(batch->event[i].key & INT32_MAX);
        CHECK_EQ(batch->event[i].key >> 32, 7);
        told[place_of[fd]] |= batch->event[i].ready;
    }
}

static void make_descriptors(void)
{
    struct rlimit limit;
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while (count < MOST &&
           (limit.rlim_cur == RLIM_INFINITY || (rlim_t)count + 100 < limit.rlim_cur)) {
        int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        CHECK(fd >= 0 && fd < 2 * MOST);
        place_of[fd] = count;
        fds[count++] = fd;
    }
}

static void *announce(void *unused)
{
    for (int i = 0; i < count; i++)
        CHECK_EQ(poller_add(fds[i], UINT64_C(7) << 32 | (uint32_t)fds[i]), 0);
    return unused;
}

static int count_told(uint32_t bit)
{
    int found = 0;
    for (int i = 0; i < count; i++)
        found += (told[i] & bit) != 0;
    return found;
}

static void until_all_told(uint32_t bit)
{
    struct poll_batch batch;
    while (count_told(bit) < count) {
        poller_wait(&batch, bine_now() + BINE_S(1));
        poller_deliver(&batch);
    }
}

int main(void)
{
    const char *name = getenv("BINE_POLLER");
    make_descriptors();
    CHECK_EQ(poller_open(name && *name ? name : "epoll", deliver), 0);
    test_join(test_thread(announce, NULL));
    until_all_told(READY_OUT);
    CHECK_EQ(count_told(READY_IN), 0);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t number = 1;
        memset(told, 0, sizeof told);
        for (int i = 0; i < count; i++)
            CHECK_EQ(write(fds[i], &number, sizeof number), sizeof number);
        until_all_told(READY_IN);
        for (int i = 0; i < count; i++)
            CHECK_EQ(read(fds[i], &number, sizeof number), sizeof number);
    }
    for (int i = 0; i < count; i++) {
        poller_remove(fds[i]);
        CHECK_EQ(close(fds[i]), 0);
    }
    return 0;
}
