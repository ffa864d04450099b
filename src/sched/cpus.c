#define _GNU_SOURCE
#include "sched/cpus.h"
#include "base/os.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MEAN_OVER = 32, /* looks that a change takes to be seen, about */
    ONE = 1024,
};

static _Atomic unsigned left_by_others = UINT_MAX;

static unsigned in_affinity(void)
{
    /* The kernel refuses a set that is too small for it. */
    for (int cpus = 1024; cpus <= 1 << 20; cpus *= 4) {
        size_t size = CPU_ALLOC_SIZE(cpus);
        cpu_set_t *set = CPU_ALLOC(cpus);
        if (!set)
            break;
        int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : -errno;
        CPU_FREE(set);
        if (count > 0)
            return (unsigned)count;
        if (count != -EINVAL)
            break;
    }
    return 1;
}

static bool read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool read = fgets(line, size, file) != NULL;
    fclose(file);
    return read;
}

/* Processors that a quota of `quota` per `period` pays for; UINT_MAX: no limit. */
static unsigned paid_for(long quota, long period)
{
    if (quota <= 0 || period <= 0)
        return UINT_MAX;
    long cpus = (quota + period - 1) / period;
    return cpus < 1 ? 1 : (unsigned)cpus;
}

static unsigned read_quota_v2(const char *folder)
{
    char path[PATH_MAX + 64], line[64];
    long quota, period;
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", folder);
    if (!read_line(path, line, sizeof line) || sscanf(line, "%ld %ld", &quota, &period) != 2)
        return UINT_MAX; /* or it says "max" */
    return paid_for(quota, period);
}

/* The least quota of the cgroup and those around it. */
static unsigned in_cgroup_v2(void)
{
    char line[PATH_MAX];
    unsigned least = UINT_MAX;
    if (!read_line("/proc/self/cgroup", line, sizeof line) || strncmp(line, "0::", 3) != 0)
        return UINT_MAX;
    char *folder = line + 3;
    folder[strcspn(folder, "\n")] = '\0';
    for (;;) {
        unsigned quota = read_quota_v2(strcmp(folder, "/") == 0 ? "" : folder);
        least = quota < least ? quota : least;
        char *slash = strrchr(folder, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

static unsigned in_cgroup_v1(void)
{
    char quota[32], period[32];
    if (!read_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota, sizeof quota) ||
        !read_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period, sizeof period))
        return UINT_MAX;
    return paid_for(atol(quota), atol(period));
}

unsigned cpus_usable(void)
{
    unsigned cpus = in_affinity(), v2 = in_cgroup_v2(), v1 = in_cgroup_v1();
    unsigned limit = v1 < v2 ? v1 : v2;
    return cpus < limit ? cpus : limit;
}

unsigned cpus_online(void)
{
    static _Atomic unsigned online;
    unsigned count = atomic_load_explicit(&online, memory_order_relaxed);
    if (count == 0) {
        long answer = sysconf(_SC_NPROCESSORS_ONLN);
        count = answer < 1 ? 1 : (unsigned)answer;
        atomic_store_explicit(&online, count, memory_order_relaxed);
    }
    return count;
}

/* --- what others leave --- */

/* Threads of the machine that run or wait for a processor, as "0.20 0.18 0.12 RUNNING/ALL LAST"
 * tells; -1: not known. */
static int count_runnable(int fd)
{
    char text[80];
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    char *at = text;
    for (int fields = 0; at && fields < 3; fields++)
        at = (at = strchr(at, ' ')) ? at + 1 : NULL;
    return at ? atoi(at) : -1;
}

void cpus_note_others(int threads)
{
    static int mean; /* in parts of ONE */
    int online = (int)cpus_online();
    /* More than there are processors take no more; they would only be remembered for longer. */
    mean += ((threads < online ? threads : online) * ONE - mean) / MEAN_OVER;
    int taken = (mean + ONE * 2 / 3) / ONE; /* a third of a processor counts as one */
    atomic_store_explicit(&left_by_others, (unsigned)(online - taken), memory_order_relaxed);
}

int cpus_open(void)
{
    cpus_online(); /* asking opens and closes a descriptor: not at any later time */
    return os_move_from_standard(open("/proc/loadavg", O_RDONLY | O_CLOEXEC));
}

void cpus_look(int fd, int own)
{
    int runnable = count_runnable(fd);
    if (runnable >= 0)
        cpus_note_others(runnable > own ? runnable - own : 0);
}

unsigned cpus_left(void)
{
    return atomic_load_explicit(&left_by_others, memory_order_relaxed);
}
