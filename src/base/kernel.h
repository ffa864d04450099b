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

#elif defined(__aarch64__)

static inline long kernel_call(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}

#elif defined(__riscv) && __riscv_xlen == 64

static inline long kernel_call(long number, long a, long b, long c, long d, long e, long f)
{
    register long a7 __asm__("a7") = number;
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    register long a3 __asm__("a3") = d;
    register long a4 __asm__("a4") = e;
    register long a5 __asm__("a5") = f;
    __asm__ volatile("ecall"
                     : "+r"(a0)
                     : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5)
                     : "memory");
    return a0;
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
