/*
 * Descriptors are opened, read, written, closed and their numbers used again, by many tasks and
 * plain threads at once, while others read and write numbers that they once knew. Each pair of ends
 * has a mark, and every byte that moves on it is that mark: nobody ever reads another's, and each
 * wait ends.
 */
#include "../test_support/storm.h"
#include "../test_support/net.h"
#include <poll.h>

enum { ACTORS = 16, PAIRS = 24, CHUNK = 700 };

/* What others know of a pair, right or out of date. */
struct pair {
    bine_mutex mutex; /* protects the next two */
    int ends[2];
    unsigned char mark;
};

#if TEST_THREAD_SANITIZED
/* That somebody uses a number that another thread opens just then is what this is about; the
 * sanitizer takes it for a race. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:open_ends\n";
}
#endif

static struct pair pairs[PAIRS];
static _Atomic unsigned next_mark;
static _Atomic long moved, closed_under, cancelled;

static void open_ends(int ends[2], uint64_t *state)
{
    switch (test_random_below(state, 3)) {
    case 0:
        net_pair(ends);
        break;
    case 1:
        net_foreign_pair(ends);
        break;
    default:
        CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    }
}

/* Closes a pair, whatever others do with it, and opens another in its place. */
static void renew(struct pair *pair, uint64_t *state)
{
    int ends[2];
    bine_lock(&pair->mutex);
    CHECK_EQ(bine_close(pair->ends[0]), 0);
    storm_shift(state);
    CHECK_EQ(bine_close(pair->ends[1]), 0);
    open_ends(ends, state);
    memcpy(pair->ends, ends, sizeof ends);
    pair->mark = (unsigned char)(1 + next_mark++ % 250);
    bine_unlock(&pair->mutex);
}

static void check_error(ssize_t result)
{
    if (result == -EBADF)
        closed_under++;
    else if (result == -ECANCELED)
        cancelled++;
    else
        CHECK(result == 0 || result == -EPIPE || result == -ECONNRESET || result == -ENOTCONN);
}

/*
 * The mark of a pair, known with its number at one moment, is what its readers must find: unless
 * the number has been closed before the call began, and stands for another pair by then. So a
 * mark that differs counts only if the pair is still the same.
 */
static int read_marks(int number, int end)
{
    struct pair *pair = &pairs[number];
    unsigned char bytes[CHUNK];
    bine_lock(&pair->mutex);
    int fd = pair->ends[end];
    unsigned char mark = pair->mark;
    bine_unlock(&pair->mutex);
    ssize_t got = bine_read(fd, bytes, sizeof bytes);
    if (got <= 0) {
        check_error(got);
        return 0;
    }
    moved += got;
    for (ssize_t i = 1; i < got; i++)
        CHECK_EQ(bytes[i], bytes[0]); /* never a mixture of two pairs */
    bine_lock(&pair->mutex);
    bool same = pair->ends[end] == fd && pair->mark == mark;
    bine_unlock(&pair->mutex);
    if (same)
        CHECK_EQ(bytes[0], mark);
    return 0;
}

/* A writer holds the mutex, so that nobody closes the pair under it: what it writes is right. */
static void write_marks(struct pair *pair, int end)
{
    unsigned char bytes[CHUNK];
    bine_lock(&pair->mutex);
    memset(bytes, pair->mark, sizeof bytes);
    ssize_t sent = send(pair->ends[end], bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    CHECK(sent >= 0 || errno == EAGAIN || errno == EPIPE);
    bine_unlock(&pair->mutex);
}

static void poll_pair(struct pair *pair, int end, short events)
{
    bine_lock(&pair->mutex);
    int fd = pair->ends[end];
    bine_unlock(&pair->mutex);
    int ready = bine_poll(fd, events);
    if (ready < 0)
        check_error(ready);
    else
        CHECK(ready > 0 && (ready & ~events) == 0);
}

static void cancel_reader(int number, int end, uint64_t *state)
{
    bine_future(int) reader = bine_async(read_marks, number, end);
    CHECK(reader);
    storm_shift(state);
    bine_cancel(reader);
    bine_await(reader);
}

/* Reads in a task that nobody waits for: it ends at the latest when the pair is closed. */
static void step(uint64_t *state)
{
    int number = (int)test_random_below(state, PAIRS), end = (int)test_random_below(state, 2);
    switch (test_random_below(state, 8)) {
    case 0:
        renew(&pairs[number], state);
        break;
    case 1:
        cancel_reader(number, end, state);
        break;
    case 2:
        poll_pair(&pairs[number], end, POLLOUT);
        break;
    case 3:
    case 4:
        CHECK_EQ(bine_go(read_marks, number, end), 0);
        break;
    default:
        write_marks(&pairs[number], end);
    }
    storm_shift(state);
}

static void act(int actor)
{
    uint64_t state = storm_state(actor);
    while (!storm_is_over())
        step(&state);
}

int main(int argc, char **argv)
{
    storm_begin(argc, argv);
    uint64_t state = storm_state(ACTORS);
    for (int i = 0; i < PAIRS; i++) {
        open_ends(pairs[i].ends, &state);
        pairs[i].mark = (unsigned char)(1 + next_mark++ % 250);
    }
    crowd_start_mixed(act, ACTORS);
    crowd_join();
    for (int i = 0; i < PAIRS; i++)
        net_close(pairs[i].ends);
    CHECK_EQ(bine_pool_wait(NULL), 0);
    CHECK(moved > 0 && closed_under > 0 && cancelled > 0); /* else nothing raced */
    printf("%ld bytes, %ld closed under a call, %ld cancelled\n", (long)moved, (long)closed_under,
           (long)cancelled);
    return 0;
}
