/* One-shot channels: one value, sent at most once and received once. */
#ifndef BINE_ONESHOT_H
#define BINE_ONESHOT_H

#include <bine/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bine_oneshot_sender;
struct bine_oneshot_receiver;

/* The two ends of a one-shot channel of T, any object type that can be assigned. (Pointers that
 * carry T in their types, as bine_chan(T).) */
#define bine_oneshot_sender(...)                                                                   \
    __typeof__(__typeof__(__VA_ARGS__) (*)(struct bine_oneshot_sender *))
#define bine_oneshot_receiver(...)                                                                 \
    __typeof__(__typeof__(__VA_ARGS__) (*)(struct bine_oneshot_receiver *))

/* int bine_oneshot_make(bine_oneshot_sender(T) *sender, bine_oneshot_receiver(T) *receiver): both
 * ends, to be dropped one by one. 0, -ENOMEM. */
#define bine_oneshot_make(sender, receiver)                                                        \
    __extension__({                                                                                \
        _Static_assert(BINE_IS_(BINE_SENDER_ELEM_(*(sender)) *,                                    \
                                (BINE_RECEIVER_ELEM_(*(receiver)) *)0),                            \
                       "the ends of a one-shot channel are of the same type");                     \
        bine_oneshot_new_(sizeof(BINE_SENDER_ELEM_(*(sender))), (void *)(sender),                  \
                          (void *)(receiver));                                                     \
    })

/* Gives an end up. A receiver that waits gets -EPIPE; a value that nobody will receive is dropped.
 * NULL is left alone. */
#define bine_oneshot_drop_sender(sender)     bine_oneshot_drop_sender_(BINE_SENDER_OF_(sender))
#define bine_oneshot_drop_receiver(receiver) bine_oneshot_drop_receiver_(BINE_RECEIVER_OF_(receiver))

/* void bine_oneshot_on_drop(sender, void (*drop)(T *value)): called on the value where it was sent
 * and is not received. Set it before the value is sent. */
#define bine_oneshot_on_drop(sender, drop)                                                         \
    bine_oneshot_on_drop_(BINE_SENDER_OF_(sender),                                                 \
                          (void (*)(void *))(void (*)(void))BINE_TYPED_(                           \
                              __typeof__(void (*)(BINE_SENDER_ELEM_(sender) *)), drop))

/* int bine_oneshot_send(sender, value): never waits. 0, -EPIPE (something was sent before, or the
 * receiver is gone), -EINVAL (NULL). On failure the value is still the caller's. */
#define bine_oneshot_send(sender, ...)                                                             \
    bine_oneshot_send_(BINE_SENDER_OF_(sender),                                                    \
                       BINE_COPY_(BINE_SENDER_ELEM_(sender), __VA_ARGS__))

/* int bine_oneshot_recv(receiver, T *value): waits for the value. 0, -EPIPE (the sender was dropped
 * without one, or it has been received), -ECANCELED, -ETIMEDOUT, -EAGAIN, -EINVAL (a NULL
 * receiver). With NULL for `value` the value is dropped; on failure *value is left as it was. */
#define bine_oneshot_recv(receiver, value) bine_oneshot_recv_until((receiver), (value), BINE_NEVER)
#define bine_oneshot_try_recv(receiver, value)                                                     \
    bine_oneshot_try_recv_(BINE_RECEIVER_OF_(receiver),                                            \
                           BINE_TYPED_(BINE_RECEIVER_ELEM_(receiver) *, value))
#define bine_oneshot_recv_until(receiver, value, deadline)                                         \
    bine_oneshot_recv_(BINE_RECEIVER_OF_(receiver),                                                \
                       BINE_TYPED_(BINE_RECEIVER_ELEM_(receiver) *, value), (deadline))

/* --- behind the macros --- */

#define BINE_SENDER_OF_(s)                                                                         \
    __extension__(__builtin_choose_expr(1, (struct bine_oneshot_sender *)(s),                      \
                                        (s)((struct bine_oneshot_sender *)0)))
#define BINE_SENDER_ELEM_(s) __typeof__((s)((struct bine_oneshot_sender *)0))
#define BINE_RECEIVER_OF_(r)                                                                       \
    __extension__(__builtin_choose_expr(1, (struct bine_oneshot_receiver *)(r),                    \
                                        (r)((struct bine_oneshot_receiver *)0)))
#define BINE_RECEIVER_ELEM_(r) __typeof__((r)((struct bine_oneshot_receiver *)0))

int bine_oneshot_new_(size_t value_size, void *sender, void *receiver);
void bine_oneshot_drop_sender_(struct bine_oneshot_sender *sender);
void bine_oneshot_drop_receiver_(struct bine_oneshot_receiver *receiver);
void bine_oneshot_on_drop_(struct bine_oneshot_sender *sender, void (*drop)(void *value));
int bine_oneshot_send_(struct bine_oneshot_sender *sender, const void *value);
int bine_oneshot_try_recv_(struct bine_oneshot_receiver *receiver, void *value);
int bine_oneshot_recv_(struct bine_oneshot_receiver *receiver, void *value, bine_time deadline);

#ifdef __cplusplus
}
#endif

#endif
