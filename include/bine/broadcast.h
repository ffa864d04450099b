/* Broadcast channels: every subscriber gets every value sent after it subscribed, in the order in
 * which they were sent. A sender never waits: the channel keeps the newest values, as many as its
 * capacity, and who is slower than that is told how many it missed. */
#ifndef BINE_BROADCAST_H
#define BINE_BROADCAST_H

#include <bine/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bine_broadcast;
struct bine_subscriber;

/* bine_broadcast(T): the type of a broadcast channel of T, any object type that can be assigned.
 * bine_subscriber(T): the type of one who receives from it. (Pointers that carry T in their types,
 * as bine_chan(T).) */
#define bine_broadcast(...)  __typeof__(__typeof__(__VA_ARGS__) (*)(struct bine_broadcast *))
#define bine_subscriber(...) __typeof__(__typeof__(__VA_ARGS__) (*)(struct bine_subscriber *))

/* bine_broadcast(T) bine_broadcast_make(T, capacity): keeps at most `capacity` values, at least 1.
 * One reference, the caller's. NULL when out of memory, or with a capacity that is out of range. */
#define bine_broadcast_make(T, capacity)                                                           \
    (__extension__(bine_broadcast(T))bine_broadcast_new_(sizeof(T), (capacity)))

/* Adds a reference and returns b; drops one. The last drop closes the channel. Subscribers need no
 * reference, and receive what is left. NULL is left alone. */
#define bine_broadcast_ref(b)                                                                      \
    (__extension__(__typeof__(b))bine_broadcast_ref_(BINE_BROADCAST_OF_(b)))
#define bine_broadcast_unref(b) bine_broadcast_unref_(BINE_BROADCAST_OF_(b))

/* For values that own something: a subscriber gets a copy of the value's bytes.
 * void bine_broadcast_on_copy(b, void (*copy)(T *value)): called on each such copy in the
 * subscriber's memory, to make it one of its own: to take a reference, say.
 * void bine_broadcast_on_drop(b, void (*drop)(T *value)): called on each value that was sent, once
 * the channel needs it no more: all have received it, or newer ones have taken its place, or nobody
 * is subscribed. Set both before the first value is sent. */
#define bine_broadcast_on_copy(b, copy)                                                            \
    bine_broadcast_on_copy_(BINE_BROADCAST_OF_(b), BINE_BROADCAST_CALLBACK_(b, copy))
#define bine_broadcast_on_drop(b, drop)                                                            \
    bine_broadcast_on_drop_(BINE_BROADCAST_OF_(b), BINE_BROADCAST_CALLBACK_(b, drop))

/* int bine_broadcast_send(b, value): sends to all that are subscribed now; never waits. 0, -EPIPE
 * (closed), -ENOMEM, -EINVAL (a NULL channel). On failure the value is still the caller's. */
#define bine_broadcast_send(b, ...)                                                                \
    bine_broadcast_send_(BINE_BROADCAST_OF_(b),                                                    \
                         BINE_COPY_(BINE_BROADCAST_ELEM_(b), __VA_ARGS__))

/* Closes for sending: subscribers receive what is left. 0, -EPIPE (already closed), -EINVAL. */
#define bine_broadcast_close(b) bine_broadcast_close_(BINE_BROADCAST_OF_(b))

/* bine_subscriber(T) bine_broadcast_subscribe(b): one that receives what is sent from now on. NULL
 * when out of memory, or where b is NULL. It ends with bine_broadcast_unsubscribe; nobody may wait
 * for it then. NULL is left alone. */
#define bine_broadcast_subscribe(b)                                                                \
    (__extension__(bine_subscriber(BINE_BROADCAST_ELEM_(b)))                                       \
         bine_broadcast_subscribe_(BINE_BROADCAST_OF_(b)))
#define bine_broadcast_unsubscribe(s) bine_broadcast_unsubscribe_(BINE_SUBSCRIBER_OF_(s))

/* int bine_broadcast_recv(s, T *value, uint64_t *missed): waits for the next value and copies it.
 * *missed is how many before it, since the one received last, were lost to s, for s was too slow: 0
 * as long as it keeps up. 0, -EPIPE (closed and drained), -ECANCELED, -ETIMEDOUT, -EAGAIN, -EINVAL
 * (a NULL subscriber). Either pointer may be NULL; on failure both are left as they were, and what
 * was missed is told next time. Where several tasks receive by one subscriber, each value goes to
 * one of them. */
#define bine_broadcast_recv(s, value, missed)                                                      \
    bine_broadcast_recv_until((s), (value), (missed), BINE_NEVER)
#define bine_broadcast_try_recv(s, value, missed)                                                  \
    bine_broadcast_try_recv_(BINE_SUBSCRIBER_OF_(s), BINE_TYPED_(BINE_SUBSCRIBER_ELEM_(s) *, value), \
                             (missed))
#define bine_broadcast_recv_until(s, value, missed, deadline)                                      \
    bine_broadcast_recv_(BINE_SUBSCRIBER_OF_(s), BINE_TYPED_(BINE_SUBSCRIBER_ELEM_(s) *, value),   \
                         (missed), (deadline))

/* --- behind the macros --- */

#define BINE_BROADCAST_OF_(b)                                                                      \
    __extension__(__builtin_choose_expr(1, (struct bine_broadcast *)(b),                           \
                                        (b)((struct bine_broadcast *)0)))
#define BINE_BROADCAST_ELEM_(b) __typeof__((b)((struct bine_broadcast *)0))
#define BINE_BROADCAST_CALLBACK_(b, fn)                                                            \
    ((void (*)(void *))(void (*)(void))BINE_TYPED_(                                                \
        __typeof__(void (*)(BINE_BROADCAST_ELEM_(b) *)), fn))
#define BINE_SUBSCRIBER_OF_(s)                                                                     \
    __extension__(__builtin_choose_expr(1, (struct bine_subscriber *)(s),                          \
                                        (s)((struct bine_subscriber *)0)))
#define BINE_SUBSCRIBER_ELEM_(s) __typeof__((s)((struct bine_subscriber *)0))

struct bine_broadcast *bine_broadcast_new_(size_t value_size, size_t capacity);
struct bine_broadcast *bine_broadcast_ref_(struct bine_broadcast *channel);
void bine_broadcast_unref_(struct bine_broadcast *channel);
void bine_broadcast_on_copy_(struct bine_broadcast *channel, void (*copy)(void *value));
void bine_broadcast_on_drop_(struct bine_broadcast *channel, void (*drop)(void *value));
int bine_broadcast_send_(struct bine_broadcast *channel, const void *value);
int bine_broadcast_close_(struct bine_broadcast *channel);
struct bine_subscriber *bine_broadcast_subscribe_(struct bine_broadcast *channel);
void bine_broadcast_unsubscribe_(struct bine_subscriber *subscriber);
int bine_broadcast_try_recv_(struct bine_subscriber *subscriber, void *value, uint64_t *missed);
int bine_broadcast_recv_(struct bine_subscriber *subscriber, void *value, uint64_t *missed,
                         bine_time deadline);

#ifdef __cplusplus
}
#endif

#endif
