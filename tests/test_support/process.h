/* What the kernel says of this process and this machine. */
#ifndef BINE_TEST_PROCESS_H
#define BINE_TEST_PROCESS_H

#include "../test.h"
#include <dirent.h>

/* Entries of a directory, "." and ".." left out: /proc/self/task, /proc/self/fd. */
static inline int process_count(const char *directory)
{
    int count = 0;
    DIR *entries = opendir(directory);
    CHECK(entries);
    while (readdir(entries))
        count++;
    closedir(entries);
    return count - 2;
}

static inline int process_threads(void)
{
    return process_count("/proc/self/task");
}

/* The one that lists them is counted, too. */
static inline int process_descriptors(void)
{
    return process_count("/proc/self/fd");
}

/* A line "NAME:   123 kB" of a file in /proc, in KiB; 0 where there is none. */
static inline long process_read_kib(const char *path, const char *name)
{
    char line[256];
    long kib = 0;
    FILE *file = fopen(path, "r");
    CHECK(file);
    while (fgets(line, sizeof(line), file))
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
            kib = strtol(line + strlen(name) + 1, NULL, 10);
    fclose(file);
    return kib;
}

/* True if the thread sleeps in the kernel. */
static inline bool process_thread_sleeps(int tid)
{
    char path[64], line[256], state = 0;
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
    FILE *file = fopen(path, "r");
    CHECK(file && fgets(line, sizeof(line), file));
    fclose(file);
    CHECK(sscanf(strrchr(line, ')') + 1, " %c", &state) == 1);
    return state == 'S';
}

static inline int64_t process_cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

#endif
