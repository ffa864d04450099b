/* Computing by fork, join and parallel loops: fib, nqueens, matmul, reduce. */
#include "bench.h"
#include <math.h>
#include <string.h>

/* --- fib --- */

static long fib(long n)
{
    if (n < 2)
        return n;
    bine_child(long) left;
    bine_fork(&left, fib, n - 1);
    long right = fib(n - 2);
    return bine_join(&left) + right;
}

double row_fib(void)
{
    enum { N = 35, RESULT = 9227465, CALLS = 29860703 };
    int64_t start = now_ns();
    long result = fib(N);
    double value = ns_since(start) / CALLS;
    check(result == RESULT, "fib: wrong result");
    return value;
}

/* --- nqueens --- */

enum { QUEENS = 11 };

struct board {
    signed char col[QUEENS]; /* of the queen in each row so far */
};

static bool is_safe(const struct board *board, int row, int col)
{
    for (int above = 0; above < row; above++) {
        int d = board->col[above] - col;
        if (d == 0 || d == row - above || d == above - row)
            return false;
    }
    return true;
}

/* A child and the board that it goes on from. */
struct placement {
    bine_child(long) child;
    struct board board;
};

static long queens(const struct board *board, int row)
{
    if (row == QUEENS)
        return 1;
    struct placement placed[QUEENS];
    int count = 0;
    long sum = 0;
    for (int col = 0; col < QUEENS; col++)
        if (is_safe(board, row, col)) {
            struct placement *next = &placed[count++];
            next->board = *board;
            next->board.col[row] = (signed char)col;
            bine_fork(&next->child, queens, &next->board, row + 1);
        }
    while (count > 0)
        sum += bine_join(&placed[--count].child);
    return sum;
}

double row_nqueens(void)
{
    enum { RESULT = 2680 };
    struct board board = {{0}};
    int64_t start = now_ns();
    long result = queens(&board, 0);
    double value = ms_since(start);
    check(result == RESULT, "nqueens: wrong result");
    return value;
}

/* --- matmul --- */

enum { SIDE = 1024, LEAF = 32 };

static float mat_a[SIDE * SIDE], mat_b[SIDE * SIDE], mat_c[SIDE * SIDE];

static void multiply_leaf(const float *restrict a, const float *restrict b, float *restrict c)
{
    for (int i = 0; i < LEAF; i++)
        for (int k = 0; k < LEAF; k++)
            for (int j = 0; j < LEAF; j++)
                c[i * SIDE + j] += a[i * SIDE + k] * b[k * SIDE + j];
}

/* c += a * b, squares with n rows: two rounds of four quarters in parallel. */
static void multiply(const float *a, const float *b, float *c, int n)
{
    if (n == LEAF) {
        multiply_leaf(a, b, c);
        return;
    }
    int half = n / 2, down = half * SIDE;
    for (int k = 0; k < 2; k++) {
        bine_child(void) quarter[3];
        const float *left = a + k * half, *above = b + k * down;
        bine_fork(&quarter[0], multiply, left, above, c, half);
        bine_fork(&quarter[1], multiply, left, above + half, c + half, half);
        bine_fork(&quarter[2], multiply, left + down, above, c + down, half);
        multiply(left + down, above + half, c + down + half, half);
        for (int i = 2; i >= 0; i--)
            bine_join(&quarter[i]);
    }
}

double row_matmul(void)
{
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            mat_a[i * SIDE + j] = (float)(i % 8 + 1);
            mat_b[i * SIDE + j] = (float)(j % 4 + 1);
        }
    memset(mat_c, 0, sizeof mat_c);
    int64_t start = now_ns();
    multiply(mat_a, mat_b, mat_c, SIDE);
    double value = ms_since(start);
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++)
            check(mat_c[i * SIDE + j] == (float)(SIDE * (i % 8 + 1) * (j % 4 + 1)),
                  "matmul: wrong product");
    return value;
}

/* --- reduce --- */

static void add_roots(void *context, size_t begin, size_t end, void *partial)
{
    (void)context;
    double sum = *(double *)partial;
    for (size_t i = begin; i < end; i++)
        sum += sqrt((double)i);
    *(double *)partial = sum;
}

static void add_sums(void *context, void *left, const void *right)
{
    (void)context;
    *(double *)left += *(const double *)right;
}

double row_reduce(void)
{
    enum { N = 100000000 };
    const double zero = 0, want = 666666661666.4588; /* by the Euler-Maclaurin formula */
    double sum;
    int64_t start = now_ns();
    int error = bine_reduce(0, N, 0, &sum, &zero, sizeof sum, add_roots, add_sums, NULL);
    double value = ms_since(start);
    check(error == 0 && fabs(sum / want - 1) < 1e-9, "reduce: wrong sum");
    return value;
}
