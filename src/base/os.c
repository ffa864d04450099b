#include "base/os.h"
#include "base/compiler.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SLICE_NS = 100000 /* the least that the kernel takes */ };

static void *map(size_t size)
{
    void *start = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return start == MAP_FAILED ? NULL : start;
}

static void unmap(void *start, size_t size)
{
    munmap(start, size);
}

static int advise(void *start, size_t size, int advice)
{
    return madvise(start, size, advice) == 0 ? 0 : -errno;
}

static int forbid(void *start, size_t size)
{
    return mprotect(start, size, PROT_NONE) == 0 ? 0 : -errno;
}

static int start_thread(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *),
                        void *argument)
{
    return -pthread_create(thread, attributes, body, argument);
}

static int futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t deadline)
{
    if (deadline < 0)
        deadline = 0; /* long past */
    struct timespec at = {deadline / 1000000000, deadline % 1000000000};
    long result = syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
                          deadline == INT64_MAX ? NULL : &at, NULL, FUTEX_BITSET_MATCH_ANY);
    return result == 0 ? 0 : -errno;
}

static void futex_wake(_Atomic uint32_t *word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL, 0);
}

struct os_calls os_calls = {map, unmap, advise, forbid, start_thread, futex_wait, futex_wake};

int os_start_detached(void *(*body)(void *), void *argument, size_t stack_size)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    int error = -pthread_attr_init(&attributes);
    if (error)
        return error;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
#if !defined(BINE_ASAN) && !defined(BINE_TSAN) /* which need more */
    if (stack_size)
        pthread_attr_setstacksize(&attributes, stack_size);
#else
    (void)stack_size;
#endif
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = os_calls.start_thread(&thread, &attributes, body, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

int os_move_from_standard(int fd)
{
    if (fd < 0)
        return -errno;
    if (fd > STDERR_FILENO)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int error = moved < 0 ? -errno : moved;
    close(fd);
    return error;
}

size_t os_page_size(void)
{
    static _Atomic size_t cached;
    size_t size = cached;
    if (!size)
        cached = size = (size_t)sysconf(_SC_PAGESIZE);
    return size;
}

/* The kernel's struct sched_attr in its first version: linux/sched/types.h does not go together with
 * every sched.h. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

void os_ask_for_short_slices(void)
{
    struct attributes attributes = {.size = sizeof attributes};
    if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0 ||
        attributes.policy != SCHED_OTHER)
        return;
    attributes.runtime = SLICE_NS;
    syscall(SYS_sched_setattr, 0, &attributes, 0);
}
