/* Processors: how many the process may use, and how many others leave free. */
#ifndef BINE_SCHED_CPUS_H
#define BINE_SCHED_CPUS_H

/* Those of its affinity, limited by its cgroup's quota; at least 1. */
unsigned cpus_usable(void);

/* Those that the machine had when this was first asked. */
unsigned cpus_online(void);

/* A descriptor for cpus_look(), which may not be a standard one. The caller closes it. Or -ENOENT
 * (the system does not tell), -EMFILE, ... */
int cpus_open(void);

/* Counts by `fd` the machine's threads that run or wait for a processor; `own` of them are not
 * others'. For one thread, the monitor, again and again. */
void cpus_look(int fd, int own);

/* The part of it that does the sum: so many threads of others were seen. What counts is a mean over
 * some thirty looks. */
void cpus_note_others(int threads);

/* Processors that others do not take. UINT_MAX: nobody has looked, or the system does not tell. Any
 * thread. */
unsigned cpus_left(void);

#endif
