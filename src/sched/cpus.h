/* How many processors the process may use. */
#ifndef BINE_SCHED_CPUS_H
#define BINE_SCHED_CPUS_H

/* Those of its affinity, limited by its cgroup's quota; at least 1. */
unsigned cpus_usable(void);

#endif
