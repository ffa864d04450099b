/* A directory of this test's own in /tmp. */
#ifndef BINE_TEST_SCRATCH_H
#define BINE_TEST_SCRATCH_H

#include "../test.h"

static char scratch_directory[] = "/tmp/bine-test-XXXXXX";

static inline void scratch_make(void)
{
    CHECK(mkdtemp(scratch_directory));
}

/* Writes `prefix` and the path of a file there: "unix:/tmp/bine-test-1a2b3c/socket". */
static inline void scratch_path(char path[80], const char *prefix, const char *name)
{
    CHECK(snprintf(path, 80, "%s%s/%s", prefix, scratch_directory, name) < 80);
}

/* All files in it must have been removed. */
static inline void scratch_remove(void)
{
    CHECK_EQ(rmdir(scratch_directory), 0);
}

#endif
