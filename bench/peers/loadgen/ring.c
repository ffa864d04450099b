#define _GNU_SOURCE
#include "ring.h"
#include "loadgen.h"
#include <errno.h>
#include <linux/time_types.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *map(int fd, size_t size, uint64_t offset)
{
    void *at =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, (off_t)offset);
    if (at == MAP_FAILED)
        die("io_uring: mmap");
    return at;
}

/* Results are handed over inside ring_wait() only, which costs the client least. Kernels before 6.1
 * do not know that and get a ring without. */
static int set_up(unsigned entries, struct io_uring_params *params)
{
    unsigned results = params->cq_entries;
    params->flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    int fd = (int)syscall(SYS_io_uring_setup, entries, params);
    if (fd >= 0 || errno != EINVAL)
        return fd;
    *params = (struct io_uring_params){.flags = IORING_SETUP_CQSIZE, .cq_entries = results};
    return (int)syscall(SYS_io_uring_setup, entries, params);
}

void ring_open(struct ring *ring, unsigned entries, unsigned results)
{
    struct io_uring_params params = {.cq_entries = results};
    ring->fd = set_up(entries, &params);
    if (ring->fd < 0)
        die("io_uring_setup");
    if (!(params.features & IORING_FEAT_EXT_ARG) || !(params.features & IORING_FEAT_NODROP))
        die_because("io_uring of this kernel is too old");
    char *sq = map(ring->fd, params.sq_off.array + params.sq_entries * sizeof(uint32_t),
                   IORING_OFF_SQ_RING);
    char *cq = map(ring->fd, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe),
                   IORING_OFF_CQ_RING);
    ring->sqes = map(ring->fd, params.sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
    ring->entries = params.sq_entries;
    ring->pending = 0;
    ring->sq_tail = (uint32_t *)(sq + params.sq_off.tail);
    ring->sq_mask = (uint32_t *)(sq + params.sq_off.ring_mask);
    ring->cq_head = (uint32_t *)(cq + params.cq_off.head);
    ring->cq_tail = (uint32_t *)(cq + params.cq_off.tail);
    ring->cq_mask = (uint32_t *)(cq + params.cq_off.ring_mask);
    ring->cqes = (struct io_uring_cqe *)(cq + params.cq_off.cqes);
    uint32_t *order = (uint32_t *)(sq + params.sq_off.array);
    for (uint32_t i = 0; i < params.sq_entries; i++)
        order[i] = i;
}

void ring_register(struct ring *ring, const int *fds, unsigned count)
{
    if (syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_FILES, fds, count) != 0)
        die("io_uring: registering the connections");
}

static void enter(struct ring *ring, unsigned least, int64_t timeout_ns)
{
    struct __kernel_timespec timeout = {timeout_ns / 1000000000, timeout_ns % 1000000000};
    struct io_uring_getevents_arg arg = {.ts = (uint64_t)(uintptr_t)&timeout};
    long result = syscall(SYS_io_uring_enter, ring->fd, ring->pending, least,
                          IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof arg);
    if (result >= 0)
        ring->pending -= (unsigned)result;
    else if (errno != ETIME && errno != EINTR && errno != EBUSY && errno != EAGAIN)
        die("io_uring_enter");
}

struct io_uring_sqe *ring_request(struct ring *ring)
{
    while (ring->pending == ring->entries)
        enter(ring, 0, 0);
    uint32_t tail = *ring->sq_tail;
    struct io_uring_sqe *sqe = &ring->sqes[tail & *ring->sq_mask];
    memset(sqe, 0, sizeof *sqe);
    /* Only this thread has the kernel look at the tail, by enter(). */
    __atomic_store_n(ring->sq_tail, tail + 1, __ATOMIC_RELEASE);
    ring->pending++;
    return sqe;
}

void ring_wait(struct ring *ring, int64_t timeout_ns)
{
    enter(ring, 1, timeout_ns);
}

bool ring_take(struct ring *ring, struct io_uring_cqe *result)
{
    uint32_t head = *ring->cq_head;
    /* acquire and release: the kernel writes results before the tail, and over those before the
     * head. */
    if (head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE))
        return false;
    *result = ring->cqes[head & *ring->cq_mask];
    __atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
    return true;
}
