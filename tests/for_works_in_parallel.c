/* Pieces run at the same time on as many workers as there are, in nested loops and trees too, and
 * bodies may wait: other pieces go on meanwhile, also with one worker. */
#include "test.h"
#include <bine/parallel.h>

/* --- bodies that need each other --- */

static _Atomic int inside, most_inside;

static void meet(void *context, size_t begin, size_t end)
{
    int wanted = *(int *)context;
    (void)begin;
    (void)end;
    inside++;
    EVENTUALLY(inside >= wanted || most_inside >= wanted);
    most_inside = wanted;
    inside--;
}

static int check_parallel(void)
{
    int wanted = test_workers_wanted() > 1 ? 2 : 1;
    inside = most_inside = 0;
    CHECK_EQ(bine_for(0, 8, 1, meet, &wanted), 0);
    wanted = 6; /* more than workers: those that wait let others on */
    inside = most_inside = 0;
    CHECK_EQ(bine_for(0, 64, 1, meet, &wanted), 0);
    return 0;
}

/* --- nesting --- */

enum { ROWS = 40, COLUMNS = 60 };

static _Atomic int cells[ROWS][COLUMNS];

static void fill_columns(void *context, size_t begin, size_t end)
{
    _Atomic int *row = context;
    for (size_t i = begin; i < end; i++)
        row[i]++;
    test_spin(500);
}

static void fill_rows(void *context, size_t begin, size_t end)
{
    (void)context;
    for (size_t i = begin; i < end; i++) {
        if (i % 5 == 0)
            CHECK_EQ(bine_sleep(BINE_US(20)), 0);
        CHECK_EQ(bine_for(0, COLUMNS, i % 4, fill_columns, cells[i]), 0);
    }
}

static int loop_in_tree(int depth)
{
    if (depth == 0)
        return bine_for(0, ROWS, 1, fill_rows, NULL);
    bine_child(int) child;
    bine_fork(&child, loop_in_tree, depth - 1);
    int error = loop_in_tree(depth - 1);
    return bine_join(&child) | error;
}

static int check_nested(void)
{
    memset((void *)cells, 0, sizeof(cells));
    CHECK_EQ(loop_in_tree(2), 0);
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++)
            CHECK_EQ(cells[i][j], 4);
    return 0;
}

int main(void)
{
    for (int i = 0; i < test_scaled(20); i++) {
        CHECK_EQ(bine_run(check_parallel), 0);
        CHECK_EQ(bine_run(check_nested), 0);
        CHECK_EQ(check_nested(), 0);
    }
    return 0;
}
