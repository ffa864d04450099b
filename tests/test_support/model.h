/*
 * A small protocol explored exhaustively: every order of its threads' steps, on a machine with
 * store buffers (x86-TSO: a thread's plain stores reach memory later, in order; its locked
 * operations and fences wait until they have).
 *
 * Before it includes this, a model defines the constants PLACES (of memory), THREADS and BUFFER (so
 * many stores on their way at most). Its state begins with a struct machine and has all else that
 * decides what comes next; states are equal when their bytes are. The checks of its steps use
 * check().
 */
#ifndef TEST_SUPPORT_MODEL_H
#define TEST_SUPPORT_MODEL_H

#include "test.h"

/* --- the machine --- */

struct buffer {
    uint8_t count;
    uint8_t place[BUFFER], value[BUFFER]; /* oldest first */
};

struct machine {
    uint8_t memory[PLACES];
    struct buffer buffer[THREADS];
};

/* `state` is the model's: it begins with the machine. */

static inline uint8_t load(const void *state, int thread, int place)
{
    const struct machine *machine = state;
    const struct buffer *buffer = &machine->buffer[thread];
    for (int i = buffer->count - 1; i >= 0; i--)
        if (buffer->place[i] == place)
            return buffer->value[i];
    return machine->memory[place];
}

static inline bool can_store(const void *state, int thread, int stores)
{
    const struct machine *machine = state;
    return machine->buffer[thread].count + stores <= BUFFER;
}

static inline void store(void *state, int thread, int place, int value)
{
    struct machine *machine = state;
    struct buffer *buffer = &machine->buffer[thread];
    CHECK(can_store(state, thread, 1));
    buffer->place[buffer->count] = (uint8_t)place;
    buffer->value[buffer->count] = (uint8_t)value;
    buffer->count++;
}

/* A locked operation is a step that is not taken before this holds, and then uses memory itself. */
static inline bool drained(const void *state, int thread)
{
    const struct machine *machine = state;
    return machine->buffer[thread].count == 0;
}

/* The oldest store of the thread reaches memory. False: there is none. */
static inline bool drain_one(void *state, int thread)
{
    struct machine *machine = state;
    struct buffer *buffer = &machine->buffer[thread];
    if (buffer->count == 0)
        return false;
    machine->memory[buffer->place[0]] = buffer->value[0];
    buffer->count--;
    memmove(buffer->place, buffer->place + 1, buffer->count);
    memmove(buffer->value, buffer->value + 1, buffer->count);
    buffer->place[buffer->count] = buffer->value[buffer->count] = 0;
    return true;
}

/* --- the search --- */

struct model {
    size_t size;   /* bytes of a state */
    uint32_t most; /* states */
    int scenes;    /* who takes part, and how often: 0 to this, less one */
    int faults;    /* 0 is none */
    const char *const *fault_names;
    /* Fills in the state, all zeroes, that the scene begins with; `fault` is a rule left out. */
    void (*begin)(void *state, int scene, int fault);
    /* Can the fault show in the scene? NULL: any may in any. */
    bool (*may_show)(int scene, int fault);
    /* The thread's next step; false: it cannot go on now. */
    bool (*step)(void *state, int thread);
    /* Called before the thread's oldest store reaches memory; may be NULL. */
    void (*arrive)(const void *state, int thread);
    /* Nothing can go on: checks that it may end so. */
    void (*end)(const void *state);
    /* Prints a move that led here. */
    void (*show)(const void *state, int thread, bool arrives);
};

static const struct model *model;
static const char *violation;   /* what the model's checks have found */
static unsigned char *states;   /* in the order they were found */
static uint32_t *state_parents; /* the state each was first reached from */
static uint8_t *state_movers;   /* the thread that moved; + THREADS: its buffer did */
static uint32_t *state_slots;   /* hash table, twice as many: index + 1 into states */
static uint32_t state_count;

static inline void check(bool holds, const char *what)
{
    if (!holds && !violation)
        violation = what;
}

static inline void *state_at(uint32_t index)
{
    return states + (size_t)index * model->size;
}

static inline uint64_t hash_state(const unsigned char *state)
{
    uint64_t hash = UINT64_C(1469598103934665603);
    for (size_t i = 0; i < model->size; i++)
        hash = (hash ^ state[i]) * UINT64_C(1099511628211);
    return hash ^ (hash >> 29);
}

/* Adds the state behind the last one, unless it is known. */
static inline void add_state(uint32_t parent, int mover)
{
    CHECK(state_count < model->most);
    uint32_t count = model->most * 2, slot = (uint32_t)(hash_state(state_at(state_count)) % count);
    for (; state_slots[slot]; slot = (slot + 1) % count)
        if (memcmp(state_at(state_slots[slot] - 1), state_at(state_count), model->size) == 0)
            return;
    state_parents[state_count] = parent;
    state_movers[state_count] = (uint8_t)mover;
    state_slots[slot] = ++state_count;
}

static inline bool move_state(void *state, int mover)
{
    int thread = mover % THREADS;
    if (mover < THREADS)
        return model->step(state, thread);
    if (model->arrive && !drained(state, thread))
        model->arrive(state, thread);
    return drain_one(state, thread);
}

/* Follows every move from one state; stops at a violation. */
static inline void expand_state(uint32_t index)
{
    bool moved = false;
    for (int mover = 0; mover < 2 * THREADS && !violation; mover++) {
        void *next = state_at(state_count);
        memcpy(next, state_at(index), model->size);
        if (move_state(next, mover)) {
            moved = true;
            add_state(index, mover);
        }
    }
    if (!moved && !violation)
        model->end(state_at(index));
}

static inline void show_path(uint32_t index)
{
    if (index == 0)
        return;
    show_path(state_parents[index]);
    int mover = state_movers[index];
    model->show(state_at(index), mover % THREADS, mover >= THREADS);
}

/* Returns the violation, or NULL where none can be reached. */
static inline const char *explore(int scene, int fault)
{
    memset(state_slots, 0, (size_t)model->most * 2 * sizeof(*state_slots));
    violation = NULL;
    state_count = 0;
    memset(state_at(0), 0, model->size);
    model->begin(state_at(0), scene, fault);
    add_state(0, 0);
    uint32_t index = 0;
    for (; index < state_count && !violation; index++)
        expand_state(index);
    if (violation && fault == 0)
        show_path(index - 1);
    return violation;
}

static inline void check_protocol(void)
{
    for (int i = 0; i < model->scenes; i++) {
        const char *found = explore(i, 0);
        printf("scene %d: %u states\n", i, state_count);
        if (found) {
            fprintf(stderr, "scene %d: %s\n", i, found);
            CHECK(!"the protocol holds");
        }
    }
}

static inline void check_fault(int fault)
{
    for (int i = 0; i < model->scenes; i++) {
        if (model->may_show && !model->may_show(i, fault))
            continue;
        const char *found = explore(i, fault);
        if (found) {
            printf("fault: %s\n  found in scene %d after %u states: %s\n",
                   model->fault_names[fault], i, state_count, found);
            return;
        }
    }
    fprintf(stderr, "fault: %s\n", model->fault_names[fault]);
    CHECK(!"the model finds the fault");
}

/* The protocol must hold in all scenes, and each fault be found in one. */
static inline void model_run(const struct model *of)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    model = of;
    states = malloc(((size_t)of->most + 1) * of->size);
    state_parents = malloc(of->most * sizeof(*state_parents));
    state_movers = malloc(of->most);
    state_slots = malloc((size_t)of->most * 2 * sizeof(*state_slots));
    CHECK(states && state_parents && state_movers && state_slots);
    check_protocol();
    for (int fault = 1; fault < of->faults; fault++)
        check_fault(fault);
    free(states);
    free(state_parents);
    free(state_movers);
    free(state_slots);
}

#endif
