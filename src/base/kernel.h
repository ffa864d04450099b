/*
 * The system calls of each request, without libc's way there: its cancellation point and errno cost
 * as much as the rest of bine does for a read. Sanitizers must see what is read and written, so with
 * them, and on processors without an entry here, it is libc's call after all.
 */
#ifndef BINE_BASE_KERNEL_H
#define BINE_BASE_KERNEL_H

#include "base/compiler.h"
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(BINE_ASAN) || defined(BINE_TSAN) || defined(BINE_MSAN) || defined(__riscv_vector) ||       \
    defined(__ARM_FEATURE_SVE) /* their vectors do not outlive a system call */
#define BINE_KERNEL_BY_LIBC 1
#elif defined(__x86_64__)

/* What the kernel returns: a result, or -errno. */
static inline long kernel_call(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "+a"(number)
                     : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return number;
}

#elif defined(__aarch64__) || (defined(__riscv) && __riscv_xlen == 64)

#if defined(__aarch64__)
#define KERNEL_ENTER       "svc #0"
#define KERNEL_NUMBER      "x8"
#define KERNEL_ARGUMENT(n) "x" #n
#else
#define KERNEL_ENTER       "ecall"
#define KERNEL_NUMBER      "a7"
#define KERNEL_ARGUMENT(n) "a" #n
#endif

static inline long kernel_call(long number, long a, long b, long c, long d, long e, long f)
{
    register long in_number __asm__(KERNEL_NUMBER) = number;
    register long in_0 __asm__(KERNEL_ARGUMENT(0)) = a; /* and the result */
    register long in_1 __asm__(KERNEL_ARGUMENT(1)) = b;
    register long in_2 __asm__(KERNEL_ARGUMENT(2)) = c;
    register long in_3 __asm__(KERNEL_ARGUMENT(3)) = d;
    register long in_4 __asm__(KERNEL_ARGUMENT(4)) = e;
    register long in_5 __asm__(KERNEL_ARGUMENT(5)) = f;
    __asm__ volatile(KERNEL_ENTER
                     : "+r"(in_0)
                     : "r"(in_number), "r"(in_1), "r"(in_2), "r"(in_3), "r"(in_4), "r"(in_5)
                     : "memory");
    return in_0;
}

#else
#define BINE_KERNEL_BY_LIBC 1
#endif

#if defined(BINE_KERNEL_BY_LIBC)

static inline ssize_t kernel_recv(int fd, void *buffer, size_t size, int flags)
{
    ssize_t result = recv(fd, buffer, size, flags);
    return result < 0 ? -errno : result;
}

static inline ssize_t kernel_send(int fd, const void *buffer, size_t size, int flags)
{
    ssize_t result = send(fd, buffer, size, flags);
    return result < 0 ? -errno : result;
}

static inline int kernel_epoll_wait(int fd, struct epoll_event *events, int most, int ms)
{
    int count = epoll_wait(fd, events, most, ms);
    return count < 0 ? -errno : count;
}

#else

static inline ssize_t kernel_recv(int fd, void *buffer, size_t size, int flags)
{
    return kernel_call(SYS_recvfrom, fd, (long)buffer, (long)size, flags, 0, 0);
}

static inline ssize_t kernel_send(int fd, const void *buffer, size_t size, int flags)
{
    return kernel_call(SYS_sendto, fd, (long)buffer, (long)size, flags, 0, 0);
}

/* ms: -1, for ever. */
static inline int kernel_epoll_wait(int fd, struct epoll_event *events, int most, int ms)
{
    return (int)kernel_call(SYS_epoll_pwait, fd, (long)events, most, ms, 0, _NSIG / 8);
}

#endif
#endif
