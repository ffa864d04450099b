/*
 * Call stacks.
 *
 * A task at rest may be resumed by anybody at any time, and unwinding takes long. So its stack is
 * copied, the caller makes sure that the task has not moved meanwhile, and then the copy is
 * unwound: each word of it that points into the part copied is made to point into the copy, frame
 * pointers among them, so that no step leads out of it. A word that only looks like such a pointer
 * is changed, too; unwinding uses none of those.
 *
 * Rejected: libunwind's interface for other processes with our own access to memory. It reads the
 * unwind tables byte by byte through that, and its library needs the local one as well.
 */
#define _GNU_SOURCE
#include "diag/backtrace.h"
#include "arch/switch.h"
#include "base/os.h"
#include "stack/stack.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#if defined(BINE_WITH_LIBUNWIND)
#define UNW_LOCAL_ONLY
#include <libunwind.h>
#endif

/* --- copies --- */

/* By a pipe, whose reading end hands on what the kernel could read. */
static bool peek_by_pipe(char *copy, const char *from, size_t size)
{
    enum { PIECE = 4096 /* any pipe has room for that */ };
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    bool whole = true;
    for (size_t done = 0; done < size && whole; done += PIECE) {
        size_t piece = size - done < PIECE ? size - done : PIECE;
        /* Not write(), which the sanitizers watch. */
        whole = syscall(SYS_write, ends[1], from + done, piece) == (long)piece &&
                read(ends[0], copy + done, piece) == (ssize_t)piece;
    }
    close(ends[0]);
    close(ends[1]);
    return whole;
}

bool peek(void *copy, const void *from, size_t size)
{
    static _Atomic bool refused; /* by an old kernel, a sandbox or an emulator */
    struct iovec to = {copy, size}, of = {(void *)from, size};
    if (!atomic_load_explicit(&refused, memory_order_relaxed)) {
        ssize_t length = process_vm_readv(getpid(), &to, 1, &of, 1, 0);
        if (length >= 0 || (errno != ENOSYS && errno != EPERM))
            return length == (ssize_t)size;
        atomic_store_explicit(&refused, true, memory_order_relaxed);
    }
    return peek_by_pipe(copy, from, size);
}

/* Bytes from the address to the end of its page. */
static size_t left_of_page(const char *address)
{
    return os_page_size() - (uintptr_t)address % os_page_size();
}

/* What is copied of a string that ends just before memory that cannot be read: see peek_text(). */
static bool peek_characters(char *copy, size_t size, const char *from)
{
    size_t first = left_of_page(from);
    if (first >= size)
        return peek(copy, from, size);
    if (!peek(copy, from, first))
        return false;
    return memchr(copy, '\0', first) || peek(copy + first, from + first, size - first);
}

bool peek_text(char *copy, size_t size, const char *from)
{
    memset(copy, 0, size);
    if (!from || !peek_characters(copy, size - 1, from)) {
        copy[0] = '\0';
        return false;
    }
    for (char *at = copy; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    return true;
}

bool stack_copy_take(struct stack_copy *copy, const struct stack *stack, const void *sp)
{
    struct stack at; /* or what lies there now: no more than numbers */
    if (!peek(&at, stack, sizeof at))
        return false;
    uintptr_t start = (uintptr_t)sp, top = (uintptr_t)at.top;
    if (start % sizeof(uintptr_t) != 0 || start < (uintptr_t)at.limit || start >= top ||
        top - start < ARCH_WORDS * sizeof(uintptr_t))
        return false;
    copy->from = sp;
    copy->size = top - start < MOST_COPIED ? top - start : MOST_COPIED;
    return peek(copy->words, sp, copy->size);
}

bool stack_copy_is_current(const struct stack_copy *copy)
{
    uintptr_t now[128];
    for (size_t done = 0; done < copy->size; done += sizeof now) {
        size_t left = copy->size - done;
        size_t size = left < sizeof now ? left : sizeof now;
        if (!peek(now, copy->from + done, size) ||
            memcmp(now, (const char *)copy->words + done, size) != 0)
            return false;
    }
    return true;
}

/* Makes what points into the stack point into the copy. */
static void relocate(struct stack_copy *copy)
{
    uintptr_t from = (uintptr_t)copy->from;
    for (size_t i = 0; i < copy->size / sizeof *copy->words; i++)
        if (copy->words[i] - from <= copy->size)
            copy->words[i] += (uintptr_t)copy->words - from;
}

/* True if there is a word of the copy at the address, or its end is. */
static bool is_in_copy(const struct stack_copy *copy, uintptr_t address)
{
    return address - (uintptr_t)copy->words <= copy->size && address % sizeof(uintptr_t) == 0;
}

/* --- libunwind --- */

#if defined(BINE_WITH_LIBUNWIND)

#define LIBRARY "libunwind.so.8"
#define NAME_IN_TEXT(name) #name
#define NAME_OF(function) NAME_IN_TEXT(function) /* which is a macro for the processor's own */

static struct {
    bool loaded;
    unw_addr_space_t space;
    unw_accessors_t *accessors;
    __typeof__(unw_init_local) *init_local;
    __typeof__(unw_get_reg) *get_reg;
    __typeof__(unw_step) *step;
} unwinder;

static bool find_symbol(void *library, const char *name, void *symbol)
{
    void *found = dlsym(library, name);
    memcpy(symbol, &found, sizeof found); /* it is a pointer to a function, for the most part */
    return found;
}

/* Its names stay its own: it has what C++ exceptions need, too, and they are the compiler's. */
static void load_unwinder(void)
{
    bool dynamic = getauxval(AT_BASE); /* a statically linked program would get a second libc */
    void *library = dynamic ? dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL) : NULL;
    unw_addr_space_t *space;
    __typeof__(unw_get_accessors) *get_accessors;
    if (!library || !find_symbol(library, NAME_OF(unw_local_addr_space), &space) ||
        !find_symbol(library, NAME_OF(unw_get_accessors), &get_accessors) ||
        !find_symbol(library, NAME_OF(unw_init_local), &unwinder.init_local) ||
        !find_symbol(library, NAME_OF(unw_get_reg), &unwinder.get_reg) ||
        !find_symbol(library, NAME_OF(unw_step), &unwinder.step))
        return;
    unwinder.space = *space;
    unwinder.accessors = get_accessors(*space); /* before all else: it sets itself up then */
    unwinder.loaded = true;
}

/* Loads it at the first call: many programs never need it, and a start is short. False if there
 * is none. */
static bool have_unwinder(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load_unwinder);
    return unwinder.loaded;
}

/* What the registers hold once the context is resumed. */
static void fill_context(unw_context_t *context, const uintptr_t *words)
{
#if defined(__x86_64__)
    static const int saved[] = {REG_R15, REG_R14, REG_R13, REG_R12, REG_RBX, REG_RBP, REG_RIP};
    greg_t *registers = context->uc_mcontext.gregs;
    for (int i = 0; i < 7; i++)
        registers[saved[i]] = (greg_t)words[i + 1];
    registers[REG_RSP] = (greg_t)(words + ARCH_WORDS);
#elif defined(__aarch64__)
    for (int i = 0; i < 12; i++)
        context->uc_mcontext.regs[19 + i] = words[i];
    context->uc_mcontext.pc = words[ARCH_RETURN];
    context->uc_mcontext.sp = (uintptr_t)(words + ARCH_WORDS);
#else
    static const int saved[] = {REG_RA, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27};
    for (int i = 0; i < 13; i++)
        context->uc_mcontext.__gregs[saved[i]] = words[i];
    context->uc_mcontext.__gregs[REG_PC] = words[ARCH_RETURN];
    context->uc_mcontext.__gregs[REG_SP] = (uintptr_t)(words + ARCH_WORDS);
#endif
}

static unsigned unwind(const struct stack_copy *copy, const void **calls)
{
    unw_context_t context;
    unw_cursor_t cursor;
    unw_word_t ip, sp, sp_before = 0;
    unsigned count = 0;
    memset(&context, 0, sizeof context);
    fill_context(&context, copy->words);
    if (unwinder.init_local(&cursor, &context) != 0)
        return 0;
    do {
        if (unwinder.get_reg(&cursor, UNW_REG_IP, &ip) != 0 ||
            unwinder.get_reg(&cursor, UNW_REG_SP, &sp) != 0 || ip == 0 || sp <= sp_before ||
            !is_in_copy(copy, sp))
            break;
        sp_before = sp;
        calls[count++] = (const void *)ip;
    } while (count < MOST_CALLS && unwinder.step(&cursor) > 0);
    return count;
}

/* From the symbols in the object's file. */
static bool find_function_in_file(const void *address, char *name, size_t size, uintptr_t *offset)
{
    unw_word_t after_start = 0;
    if (!have_unwinder())
        return false;
    int error = unwinder.accessors->get_proc_name(unwinder.space, (unw_word_t)address, name, size,
                                                  &after_start, NULL);
    *offset = after_start;
    return error == 0 || error == -UNW_ENOMEM; /* the latter: it is cut */
}

#else

static bool have_unwinder(void)
{
    return false;
}

static unsigned unwind(const struct stack_copy *copy, const void **calls)
{
    (void)copy, (void)calls;
    return 0;
}

static bool find_function_in_file(const void *address, char *name, size_t size, uintptr_t *offset)
{
    (void)address, (void)name, (void)size, (void)offset;
    return false;
}

#endif

/* --- calls --- */

/* Where a frame's record of the frame outside it lies, in words from the frame pointer: the frame
 * pointer, then the return address. */
#if defined(__riscv)
enum { FRAME_RECORD = -2 };
#else
enum { FRAME_RECORD = 0 };
#endif

/* The first call is certain; the others are where all the code keeps frame pointers. */
static unsigned follow_frames(const struct stack_copy *copy, const void **calls)
{
    unsigned count = 0;
    uintptr_t frame = copy->words[ARCH_FRAME], before = (uintptr_t)copy->words;
    calls[count++] = (const void *)copy->words[ARCH_RETURN];
    while (count < MOST_CALLS && frame > before && is_in_copy(copy, frame)) {
        const uintptr_t *record = (const uintptr_t *)frame + FRAME_RECORD;
        if (!is_in_copy(copy, (uintptr_t)(record + 2)) || !record[1])
            break;
        calls[count++] = (const void *)record[1];
        before = frame;
        frame = record[0];
    }
    return count;
}

unsigned stack_copy_calls(struct stack_copy *copy, const void *calls[MOST_CALLS])
{
    relocate(copy);
    return have_unwinder() ? unwind(copy, calls) : follow_frames(copy, calls);
}

/* --- names --- */

/* The function's name from the symbols that are in memory, else from those in the file. */
static bool find_function(const void *address, const Dl_info *info, char *name, size_t size,
                          uintptr_t *offset)
{
    if (info->dli_sname) {
        snprintf(name, size, "%s", info->dli_sname);
        *offset = (uintptr_t)address - (uintptr_t)info->dli_saddr;
        return true;
    }
    return find_function_in_file(address, name, size, offset);
}

void describe_code(const void *address, char *text, size_t size)
{
    Dl_info info = {0};
    char name[64];
    uintptr_t offset;
    if (!dladdr(address, &info)) {
        snprintf(text, size, "%p", address);
        return;
    }
    const char *slash = strrchr(info.dli_fname, '/');
    const char *object = slash ? slash + 1 : info.dli_fname;
    size_t in_object = (size_t)((const char *)address - (const char *)info.dli_fbase);
    if (!find_function(address, &info, name, sizeof name, &offset))
        snprintf(text, size, "%s+0x%zx", object, in_object);
    else if (offset)
        snprintf(text, size, "%s+0x%zx (%s+0x%zx)", name, (size_t)offset, object, in_object);
    else
        snprintf(text, size, "%s (%s+0x%zx)", name, object, in_object);
}
