/*
 * Boxes: a value with a head before it. Where the code that makes one is not checked, the head says
 * only where the allocation begins. Else it says who owns the box:
 *
 *             bine_send_move, bine_box_give               the receiver has it, or, after
 *             by the owner                                bine_box_give, somebody uses it
 *      OWNED -----------------------------> ON ITS WAY -----------------------------> OWNED
 *        |    <-----------------------------
 *        |    the send failed
 *        `--> FREED
 *
 * 1. `owner` alone is looked at without the lock: who finds himself there owns the box. All else is
 *    protected by the box's lock.
 * 2. Owners are told apart by their numbers; a plain thread, which has none, by its record.
 * 3. Any pointer may be sent by bine_send_move. So checked boxes are in a table, by their
 * addresses.
 * 4. Freed ones stay for a while (the last KEPT, if not large), so that late uses find the head.
 */
#include "chan/box.h"
#include "base/spinlock.h"
#include "sched/fatal.h"
#include "sched/park.h"
#include <bine/box.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BUCKETS = 1024,
    KEPT = 64,               /* freed boxes */
    MOST_KEPT_BYTES = 65536, /* in one of them */
    NAME = 48,
};

/* Owners: a task's number, or this with the address of a thread's record. */
#define OWNER_ON_ITS_WAY UINT64_C(0)
#define OWNER_THREAD     (UINT64_C(1) << 63)
#define OWNER_FREED      (~UINT64_C(0))

enum box_kind { BOX_PLAIN = 0x426f78, BOX_CHECKED };

/* Lies right before the value. */
struct box_head {
    void *memory; /* where the allocation begins */
    uintptr_t kind;
};

struct box {
    struct box *next; /* in its bucket, whose lock protects it */
    size_t size;      /* of the value; constant */
    struct spinlock lock;
    _Atomic uint64_t owner;
    uint64_t giver;        /* who sent it last; 0: nobody has */
    const void *channel;   /* over which; NULL: bine_box_give */
    char owner_name[NAME]; /* as a message names him; who freed it, once it is freed */
    char giver_name[NAME];
    _Alignas(max_align_t) struct box_head head;
};

_Static_assert(sizeof(struct box) == offsetof(struct box, head) + sizeof(struct box_head),
               "the head lies right before the value");

struct bucket {
    struct spinlock lock;
    struct box *first;
};

_Atomic bool box_checking;
static struct bucket table[BUCKETS];

static struct {
    struct spinlock lock;
    struct box *box[KEPT];
    unsigned next;
} freed;

static struct box_head *head_of(const void *value)
{
    return (struct box_head *)value - 1;
}

static void *value_of(struct box *box)
{
    return &box->head + 1;
}

static struct box *box_of(const void *value)
{
    return container_of(head_of(value), struct box, head);
}

static struct bucket *bucket_of(const void *value)
{
    return &table[((uintptr_t)value >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 54];
}

static uint64_t owner_key(struct run *run)
{
    return run->stack ? run_id(run) : OWNER_THREAD | (uintptr_t)run->task;
}

/* --- the table --- */

static void enter(struct box *box)
{
    struct bucket *bucket = bucket_of(value_of(box));
    spin_lock(&bucket->lock);
    box->next = bucket->first;
    bucket->first = box;
    spin_unlock(&bucket->lock);
}

static void take_out(struct box *box)
{
    struct bucket *bucket = bucket_of(value_of(box));
    spin_lock(&bucket->lock);
    struct box **link = &bucket->first;
    while (*link != box)
        link = &(*link)->next;
    *link = box->next;
    spin_unlock(&bucket->lock);
}

/* The checked box that the pointer is, or NULL. */
static struct box *find(const void *pointer)
{
    if (!pointer || !atomic_load_explicit(&box_checking, memory_order_relaxed))
        return NULL;
    struct bucket *bucket = bucket_of(pointer);
    spin_lock(&bucket->lock);
    struct box *box = bucket->first;
    while (box && value_of(box) != pointer)
        box = box->next;
    spin_unlock(&bucket->lock);
    return box;
}

/* --- owners; the box's lock is held --- */

static void set_owner(struct box *box, uint64_t owner, const char *name)
{
    snprintf(box->owner_name, NAME, "%s", name);
    atomic_store_explicit(&box->owner, owner, memory_order_relaxed);
}

static void explain(struct box *box, uint64_t owner, char *text, size_t size)
{
    char way[64] = "", how[NAME + 80] = "";
    if (box->giver && box->channel)
        snprintf(way, sizeof way, " over channel %p", box->channel);
    if (box->giver)
        snprintf(how, sizeof how, "%s %s it%s", box->giver_name, box->channel ? "sent" : "gave",
                 way);
    if (owner == OWNER_FREED)
        snprintf(text, size, "the box was freed by %s%s%s", box->owner_name, *how ? "; " : "", how);
    else if (owner == OWNER_ON_ITS_WAY)
        snprintf(text, size, "the box is on its way: %s", how);
    else
        snprintf(text, size, "the box belongs to %s%s%s", box->owner_name, *how ? "; " : "", how);
}

/* Makes sure that the caller owns the box. One that is on its way is of whoever uses it first, but
 * what was sent over a channel cannot be the sender's before it has come back. */
static void own_slowly(struct box *box, struct run *run, const char *call)
{
    uint64_t self = owner_key(run);
    char name[NAME], text[256];
    describe_run(run, name, sizeof name);
    spin_lock(&box->lock);
    uint64_t owner = atomic_load_explicit(&box->owner, memory_order_relaxed);
    if (owner == OWNER_ON_ITS_WAY && (box->giver != self || !box->channel)) {
        set_owner(box, self, name);
        owner = self;
    }
    if (owner != self)
        explain(box, owner, text, sizeof text);
    spin_unlock(&box->lock);
    if (owner != self)
        fatal_misuse(call, text);
}

static void own(struct box *box, const char *call)
{
    struct run *run = run_self();
    if (unlikely(atomic_load_explicit(&box->owner, memory_order_relaxed) != owner_key(run)))
        own_slowly(box, run, call);
}

static void send_away(struct box *box, const void *channel, const char *call)
{
    own(box, call);
    spin_lock(&box->lock);
    box->giver = owner_key(run_self());
    box->channel = channel;
    memcpy(box->giver_name, box->owner_name, NAME);
    atomic_store_explicit(&box->owner, OWNER_ON_ITS_WAY, memory_order_relaxed);
    spin_unlock(&box->lock);
}

/* --- life --- */

static void begin_checking(struct box *box, size_t size)
{
    char name[NAME];
    struct run *run = run_self();
    describe_run(run, name, sizeof name);
    box->size = size;
    box->lock = (struct spinlock){0};
    box->giver = 0;
    box->channel = NULL;
    set_owner(box, owner_key(run), name);
    enter(box);
    atomic_store_explicit(&box_checking, true, memory_order_relaxed);
}

struct bine_box *bine_box_new_(size_t size, size_t alignment, bool checked)
{
    size_t before = checked ? sizeof(struct box) : sizeof(struct box_head);
    size_t aligned = alignment > _Alignof(max_align_t) ? alignment : _Alignof(max_align_t);
    size_t space = (before + aligned - 1) / aligned * aligned;
    char *memory = NULL;
    if (size <= SIZE_MAX - space - aligned)
        memory = aligned_alloc(aligned, (space + size + aligned - 1) / aligned * aligned);
    if (!memory) {
        errno = ENOMEM;
        return NULL;
    }
    char *value = memory + space;
    memset(value, 0, size);
    *head_of(value) = (struct box_head){memory, checked ? BOX_CHECKED : BOX_PLAIN};
    if (checked)
        begin_checking(box_of(value), size);
    return (struct bine_box *)value;
}

/* Frees the one that has been kept longest in its place. */
static void keep(struct box *box)
{
    spin_lock(&freed.lock);
    struct box **place = &freed.box[freed.next++ % KEPT], *oldest = *place;
    *place = box;
    spin_unlock(&freed.lock);
    if (oldest)
        free(oldest->head.memory);
}

static void free_checked(struct box *box)
{
    own(box, "bine_box_free");
    take_out(box);
    spin_lock(&box->lock);
    atomic_store_explicit(&box->owner, OWNER_FREED, memory_order_relaxed);
    spin_unlock(&box->lock);
    if (box->size <= MOST_KEPT_BYTES)
        keep(box);
    else
        free(box->head.memory);
}

void bine_box_free_(struct bine_box *value)
{
    if (!value)
        return;
    if (head_of(value)->kind == BOX_CHECKED)
        free_checked(box_of(value));
    else
        free(head_of(value)->memory);
}

/* --- use --- */

void *bine_box_check_(struct bine_box *value)
{
    if (value && head_of(value)->kind == BOX_CHECKED)
        own(box_of(value), "bine_box_get");
    return value;
}

void bine_box_given_(struct bine_box *value)
{
    if (value && head_of(value)->kind == BOX_CHECKED)
        send_away(box_of(value), NULL, "bine_box_give");
}

void bine_box_sent_(const void *pointer, const struct bine_chan *ch)
{
    struct box *box = find(pointer);
    if (box)
        send_away(box, ch, "bine_send_move");
}

static void become_owner(struct box *box)
{
    char name[NAME];
    struct run *run = run_self();
    describe_run(run, name, sizeof name);
    spin_lock(&box->lock);
    if (atomic_load_explicit(&box->owner, memory_order_relaxed) == OWNER_ON_ITS_WAY)
        set_owner(box, owner_key(run), name);
    spin_unlock(&box->lock);
}

void bine_box_kept_(const void *pointer)
{
    struct box *box = find(pointer);
    if (box)
        become_owner(box);
}

void box_arrive(const void *pointer)
{
    struct box *box = find(pointer);
    if (box)
        become_owner(box);
}
