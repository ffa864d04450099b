/* Memory of task records is given back when it lies unused, and serves again. */
/* test: workers=1 */
#include "test_support/process.h"

#include "sched/record.h"

enum { RECORDS = 400000, KIB = RECORDS * 64L / 1024 };

static struct task *taken[RECORDS];

static void take_all(struct record_cache *cache)
{
    for (int i = 0; i < RECORDS; i++) {
        taken[i] = record_take(cache);
        CHECK(taken[i]);
        taken[i]->run = NULL; /* as a task would, it touches the memory */
    }
}

/* A record that was given back is a new one: nobody's old claim fits it. */
static void check_claims(void)
{
    for (int i = 0; i < RECORDS; i++)
        CHECK(taken[i]->claim != 0 && claim_state(taken[i]->claim) == CLAIM_RUNNING);
}

static void free_all(struct record_cache *cache)
{
    for (int i = 0; i < RECORDS; i++)
        record_free(cache, taken[i]);
    record_flush(cache);
}

static long resident(void)
{
    return process_read_kib("/proc/self/status", "VmRSS");
}

int main(void)
{
    struct record_cache cache = {0};
    take_all(&cache);
    free_all(&cache);
    long full = resident();
    record_trim(); /* what lies free from here on ... */
    record_trim(); /* ... goes here */
    if (!TEST_SANITIZED)
        CHECK(full - resident() > KIB / 2);
    for (int round = 0; round < 2; round++) {
        take_all(&cache);
        check_claims();
        CHECK(!record_trim()); /* there is nothing that it could give back */
        free_all(&cache);
    }
    CHECK_EQ(bine_run(bine_check), 0);
    return 0;
}
