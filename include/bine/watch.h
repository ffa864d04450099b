/* Watch channels: the newest value of something, for any number of tasks. Who waits for a change is
 * woken once for it, and always gets the newest value: what was sent in between is skipped. */
#ifndef BINE_WATCH_H
#define BINE_WATCH_H

#include <bine/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bine_watch;

/* bine_watch(T): the type of a watch channel of T, any object type that can be assigned. (A pointer
 * that carries T in its type, as bine_chan(T).) */
#define bine_watch(...) __typeof__(__typeof__(__VA_ARGS__) (*)(struct bine_watch *))

/* bine_watch(T) bine_watch_make(T, initial): one reference, the caller's. NULL when out of
 * memory. */
#define bine_watch_make(T, ...)                                                                    \
    (__extension__(bine_watch(T))bine_watch_new_(sizeof(T), BINE_COPY_(T, __VA_ARGS__)))

/* Adds a reference and returns w; drops one. The last drop frees the channel and its value. NULL is
 * left alone. */
#define bine_watch_ref(w)   (__extension__(__typeof__(w))bine_watch_ref_(BINE_WATCH_OF_(w)))
#define bine_watch_unref(w) bine_watch_unref_(BINE_WATCH_OF_(w))

/* For values that own something: as bine_broadcast_on_copy and bine_broadcast_on_drop. A value is
 * dropped once a newer one has taken its place, or the channel is freed. Set both before the channel
 * is used. */
#define bine_watch_on_copy(w, copy)                                                                \
    bine_watch_on_copy_(BINE_WATCH_OF_(w), BINE_WATCH_CALLBACK_(w, copy))
#define bine_watch_on_drop(w, drop)                                                                \
    bine_watch_on_drop_(BINE_WATCH_OF_(w), BINE_WATCH_CALLBACK_(w, drop))

/* int bine_watch_send(w, value): the newest value from now on; never waits. 0, -EPIPE (closed),
 * -ENOMEM, -EINVAL (a NULL channel). On failure the value is still the caller's. */
#define bine_watch_send(w, ...)                                                                    \
    bine_watch_send_(BINE_WATCH_OF_(w), BINE_COPY_(BINE_WATCH_ELEM_(w), __VA_ARGS__))

/* No value will follow. 0, -EPIPE (already closed), -EINVAL. */
#define bine_watch_close(w) bine_watch_close_(BINE_WATCH_OF_(w))

/* int bine_watch_get(w, T *value): copies the newest value, closed or not. 0, -EINVAL. */
#define bine_watch_get(w, value)                                                                   \
    bine_watch_get_(BINE_WATCH_OF_(w), BINE_TYPED_(BINE_WATCH_ELEM_(w) *, value))

/* The number of the newest value: 1 is the initial one. 0 where w is NULL. */
#define bine_watch_version(w) bine_watch_version_(BINE_WATCH_OF_(w))

/* int bine_watch_wait(w, T *value, uint64_t *seen): waits until the newest value is another one than
 * number *seen, copies it and sets *seen to its number. Each receiver has a `seen` of its own: 0 to
 * begin with the value that is there, bine_watch_version(w) to wait for the next. 0, -EPIPE (closed,
 * and the last value has been seen), -ECANCELED, -ETIMEDOUT, -EAGAIN, -EINVAL (w or seen is NULL).
 * `value` may be NULL; on failure both are left as they were. */
#define bine_watch_wait(w, value, seen) bine_watch_wait_until((w), (value), (seen), BINE_NEVER)
#define bine_watch_try_wait(w, value, seen)                                                        \
    bine_watch_try_wait_(BINE_WATCH_OF_(w), BINE_TYPED_(BINE_WATCH_ELEM_(w) *, value), (seen))
#define bine_watch_wait_until(w, value, seen, deadline)                                            \
    bine_watch_wait_(BINE_WATCH_OF_(w), BINE_TYPED_(BINE_WATCH_ELEM_(w) *, value), (seen),         \
                     (deadline))

/* --- behind the macros --- */

#define BINE_WATCH_OF_(w)                                                                          \
    __extension__(                                                                                 \
        __builtin_choose_expr(1, (struct bine_watch *)(w), (w)((struct bine_watch *)0)))
#define BINE_WATCH_ELEM_(w) __typeof__((w)((struct bine_watch *)0))
#define BINE_WATCH_CALLBACK_(w, fn)                                                                \
    ((void (*)(void *))(void (*)(void))BINE_TYPED_(                                                \
        __typeof__(void (*)(BINE_WATCH_ELEM_(w) *)), fn))

struct bine_watch *bine_watch_new_(size_t value_size, const void *initial);
struct bine_watch *bine_watch_ref_(struct bine_watch *watch);
void bine_watch_unref_(struct bine_watch *watch);
void bine_watch_on_copy_(struct bine_watch *watch, void (*copy)(void *value));
void bine_watch_on_drop_(struct bine_watch *watch, void (*drop)(void *value));
int bine_watch_send_(struct bine_watch *watch, const void *value);
int bine_watch_close_(struct bine_watch *watch);
int bine_watch_get_(struct bine_watch *watch, void *value);
uint64_t bine_watch_version_(struct bine_watch *watch);
int bine_watch_try_wait_(struct bine_watch *watch, void *value, uint64_t *seen);
int bine_watch_wait_(struct bine_watch *watch, void *value, uint64_t *seen, bine_time deadline);

#ifdef __cplusplus
}
#endif

#endif
