/* What others must know of the signals that channels have taken. */
#ifndef BINE_IO_SIGNALS_H
#define BINE_IO_SIGNALS_H

#include <stdint.h>

/* The signals that were ignored before a channel took them, as a set: bit 0 is signal 1. A program
 * that is started now must find them ignored, as it would without the channel. */
uint64_t signals_ignored_before(void);

#endif
