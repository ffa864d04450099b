/* bine_stats_get writes no more bytes than it was told there are: an older program's fewer. */
#include "test.h"
#include <stddef.h>

static int compute(void)
{
    return 2;
}

int main(void)
{
    unsigned char bytes[sizeof(bine_stats)];
    bine_stats stats;
    CHECK_EQ(bine_run(compute), 2);
    for (size_t size = 0; size < sizeof(bytes); size += 8) {
        memset(bytes, 0xcd, sizeof(bytes));
        bine_stats_get((bine_stats *)memcpy(&stats, bytes, sizeof(stats)), size);
        memcpy(bytes, &stats, sizeof(stats));
        for (size_t i = size; i < sizeof(bytes); i++)
            CHECK_EQ(bytes[i], 0xcd);
        if (size >= offsetof(bine_stats, ended))
            CHECK_EQ(stats.started, 1);
    }
    return 0;
}
