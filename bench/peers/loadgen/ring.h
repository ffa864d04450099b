/* io_uring by its system calls: one thread submits and reaps, nothing else uses the ring. */
#ifndef LOADGEN_RING_H
#define LOADGEN_RING_H

#include <linux/io_uring.h>
#include <stdbool.h>
#include <stdint.h>

struct ring {
    int fd;
    unsigned entries;          /* room for requests that are not yet submitted */
    unsigned pending;          /* of them in use */
    struct io_uring_sqe *sqes; /* shared with the kernel, like all below */
    uint32_t *sq_tail, *sq_mask;
    uint32_t *cq_head, *cq_tail, *cq_mask;
    struct io_uring_cqe *cqes;
};

/* Room for `entries` requests between two calls of ring_wait(), and for `results` results. Ends the
 * program where there is no io_uring. */
void ring_open(struct ring *ring, unsigned entries, unsigned results);

/* Requests name a descriptor by its index in fds from now on. */
void ring_register(struct ring *ring, const int *fds, unsigned count);

/* A cleared request, submitted by the next ring_wait(), or now where there is no room for more. */
struct io_uring_sqe *ring_request(struct ring *ring);

/* Submits, and waits for a result, at most `timeout_ns`. */
void ring_wait(struct ring *ring, int64_t timeout_ns);

/* Takes the oldest result, if there is one. */
bool ring_take(struct ring *ring, struct io_uring_cqe *result);

#endif
