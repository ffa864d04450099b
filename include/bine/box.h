/* Boxes: allocations that belong to one task at a time. A box that was sent away is the receiver's;
 * a copy of its pointer that the sender has kept must not be used any more. In debug builds that is
 * checked: the program is stopped with a message that names both tasks and the channel. In release
 * builds a box is a pointer and nothing more. */
#ifndef BINE_BOX_H
#define BINE_BOX_H

#include <bine/base.h>
#include <bine/chan.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whether boxes are checked in the code that follows. Define it before the header is included to say
 * otherwise than NDEBUG does. Checked code and code that is not may share boxes: a box is checked
 * where it was made by code that is, and only there. */
#ifndef BINE_DEBUG
#ifdef NDEBUG
#define BINE_DEBUG 0
#else
#define BINE_DEBUG 1
#endif
#endif

struct bine_box;

/* bine_box(T): the type of a box with a T in it. (A pointer that carries T in its type, as
 * bine_chan(T): a channel of boxes is a bine_chan(bine_box(T)).) */
#define bine_box(...) __typeof__(__typeof__(__VA_ARGS__) (*)(struct bine_box *))

/* bine_box(T) bine_box_make(T): a new one, all zero, owned by the caller. NULL when out of memory.
 * bine_box_free(box): frees it; the caller must own it. NULL is left alone. */
#define bine_box_make(...)                                                                         \
    (__extension__(bine_box(__VA_ARGS__))bine_box_new_(                                            \
        sizeof(__typeof__(__VA_ARGS__)), __alignof__(__typeof__(__VA_ARGS__)), BINE_DEBUG))
#define bine_box_free(box) bine_box_free_(BINE_BOX_OF_(box))

/* T *bine_box_get(box): what is in it. The caller must own it: whoever made it, received it from a
 * channel over which it was sent by bine_send_move, or was the first to use it after
 * bine_box_give. NULL for NULL. */
#if BINE_DEBUG
#define bine_box_get(box) ((BINE_BOX_ELEM_(box) *)bine_box_check_(BINE_BOX_OF_(box)))
#else
#define bine_box_get(box) ((BINE_BOX_ELEM_(box) *)(void *)BINE_BOX_OF_(box))
#endif

/* bine_box(T) bine_box_give(bine_box(T) *box): the box, for whoever uses it next, by other ways than
 * a channel: bine_go(work, bine_box_give(&box)). *box is NULL then. */
#if BINE_DEBUG
#define bine_box_give(box)                                                                         \
    __extension__({                                                                                \
        __typeof__(*(box)) *bine_from_ = (box), bine_box_ = *bine_from_;                           \
        *bine_from_ = NULL;                                                                        \
        bine_box_given_(BINE_BOX_OF_(bine_box_));                                                  \
        bine_box_;                                                                                 \
    })
#else
#define bine_box_give(box)                                                                         \
    __extension__({                                                                                \
        __typeof__(*(box)) *bine_from_ = (box), bine_box_ = *bine_from_;                           \
        *bine_from_ = NULL;                                                                        \
        bine_box_;                                                                                 \
    })
#endif

/* --- behind the macros --- */

#define BINE_BOX_OF_(box)                                                                          \
    __extension__(                                                                                 \
        __builtin_choose_expr(1, (struct bine_box *)(box), (box)((struct bine_box *)0)))
#define BINE_BOX_ELEM_(box) __typeof__((box)((struct bine_box *)0))

struct bine_box *bine_box_new_(size_t size, size_t alignment, bool checked);
void bine_box_free_(struct bine_box *box);
void *bine_box_check_(struct bine_box *box);
void bine_box_given_(struct bine_box *box);

/* Around a send of a pointer, which may or may not be a box: it is on its way; it was not taken. */
void bine_box_sent_(const void *pointer, const struct bine_chan *ch);
void bine_box_kept_(const void *pointer);

#if BINE_DEBUG
static inline int bine_box_send_move_(struct bine_chan *ch, void *pointer, size_t size)
{
    void *box = NULL;
    if (pointer && size == sizeof box)
        __builtin_memcpy(&box, pointer, sizeof box);
    bine_box_sent_(box, ch);
    int error = bine_chan_send_move_(ch, pointer);
    if (error)
        bine_box_kept_(box);
    return error;
}
#undef bine_send_move
#define bine_send_move(ch, pointer)                                                                \
    bine_box_send_move_(BINE_CHAN_OF_(ch), BINE_TYPED_(BINE_ELEM_(ch) *, pointer),                 \
                        sizeof(BINE_ELEM_(ch)))
#endif

#ifdef __cplusplus
}
#endif

#endif
