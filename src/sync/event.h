/* Events as select sees them: the list of those who wait. */
#ifndef BINE_SYNC_EVENT_H
#define BINE_SYNC_EVENT_H

#include "sched/park.h"
#include <bine/sync.h>

void event_lock(bine_event *event);
/* The last touch of the event, which may be gone after it. */
void event_unlock(bine_event *event);

/* --- lock held --- */

/* Puts a wait into the list of an event that is not set: of its fields, those that wait_claim() needs
 * must be set. */
void event_enlist(bine_event *event, struct wait *wait);
/* Takes it out. True if the event has been set meanwhile. */
bool event_delist(bine_event *event, struct wait *wait);

#endif
