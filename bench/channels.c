/* Channels and select: pingpong, pingpong_pairs, chan_buf, chan_mpmc, chan_contended, select,
 * skynet, ring, prime_sieve. */
#include "bench.h"
#include <stdatomic.h>

typedef bine_chan(int) int_chan;

static int_chan make(size_t capacity)
{
    int_chan ch = bine_chan_make(int, capacity);
    check(ch != NULL, "cannot make a channel");
    return ch;
}

/* --- pingpong --- */

static void answer(int_chan ping, int_chan pong)
{
    BINE_EACH (value, ping)
        bine_send(pong, value + 1);
    bine_chan_unref(ping);
    bine_chan_unref(pong);
}

static void ask(long trips)
{
    int_chan ping = make(0), pong = make(0);
    long sum = 0;
    check(bine_go(answer, bine_chan_ref(ping), bine_chan_ref(pong)) == 0,
          "pingpong: cannot start a task");
    for (int i = 0; i < trips; i++) {
        int value;
        bine_send(ping, i);
        check(bine_recv(pong, &value) == 0, "pingpong: no answer");
        sum += value;
    }
    bine_chan_close(ping);
    bine_chan_unref(ping);
    bine_chan_unref(pong);
    check(sum == trips * (trips + 1) / 2, "pingpong: wrong sum");
}

double row_pingpong(void)
{
    enum { TRIPS = 500000 };
    int64_t start = now_ns();
    ask(TRIPS);
    return ns_since(start) / TRIPS;
}

static void ask_one_of_many(long trips, bine_waitgroup *group)
{
    ask(trips);
    bine_waitgroup_done(group);
}

double row_pingpong_pairs(void)
{
    enum { PAIRS = 1000, TRIPS = 1000 };
    bine_waitgroup group = {0};
    int64_t start = now_ns();
    bine_waitgroup_add(&group, PAIRS);
    for (int i = 0; i < PAIRS; i++)
        check(bine_go(ask_one_of_many, TRIPS, &group) == 0, "pingpong_pairs: cannot start a task");
    bine_waitgroup_wait(&group);
    return ns_since(start) / (PAIRS * TRIPS);
}

/* --- many at one channel --- */

struct market {
    int_chan ch;
    _Atomic long total;
    bine_waitgroup producers, consumers;
};

static void produce(struct market *market, int first, int items, int step)
{
    for (int i = first; i < items; i += step)
        bine_send(market->ch, i);
    bine_waitgroup_done(&market->producers);
}

/* relaxed: the wait group orders the sum before it is read. */
static void consume(struct market *market)
{
    long sum = 0;
    BINE_EACH (value, market->ch)
        sum += value;
    atomic_fetch_add_explicit(&market->total, sum, memory_order_relaxed);
    bine_waitgroup_done(&market->consumers);
}

static double market_run(int sides, int items)
{
    struct market market = {.ch = make(100)};
    int64_t start = now_ns();
    bine_waitgroup_add(&market.producers, sides);
    bine_waitgroup_add(&market.consumers, sides);
    for (int i = 0; i < sides; i++) {
        check(bine_go(produce, &market, i, items, sides) == 0, "chan: cannot start a task");
        check(bine_go(consume, &market) == 0, "chan: cannot start a task");
    }
    bine_waitgroup_wait(&market.producers);
    bine_chan_close(market.ch);
    bine_waitgroup_wait(&market.consumers);
    double value = ns_since(start) / items;
    check(atomic_load_explicit(&market.total, memory_order_relaxed) ==
              (long)items * (items - 1) / 2,
          "chan: wrong sum");
    bine_chan_unref(market.ch);
    return value;
}

double row_chan_buf(void)
{
    return market_run(1, 5000000);
}

double row_chan_mpmc(void)
{
    return market_run(4, 4000000);
}

static void send_and_receive(struct market *market, int times)
{
    long sum = 0;
    for (int i = 0; i < times; i++) {
        int value;
        bine_send(market->ch, i);
        check(bine_recv(market->ch, &value) == 0, "chan_contended: nothing received");
        sum += value;
    }
    atomic_fetch_add_explicit(&market->total, sum, memory_order_relaxed);
    bine_waitgroup_done(&market->producers);
}

double row_chan_contended(void)
{
    enum { TASKS = 100, TIMES = 20000 };
    struct market market = {.ch = make(100)};
    int64_t start = now_ns();
    bine_waitgroup_add(&market.producers, TASKS);
    for (int i = 0; i < TASKS; i++)
        check(bine_go(send_and_receive, &market, TIMES) == 0,
              "chan_contended: cannot start a task");
    bine_waitgroup_wait(&market.producers);
    double value = ns_since(start) / (TASKS * TIMES);
    check(atomic_load_explicit(&market.total, memory_order_relaxed) ==
              (long)TASKS * TIMES * (TIMES - 1) / 2,
          "chan_contended: wrong sum");
    bine_chan_unref(market.ch);
    return value;
}

/* --- select --- */

static void send_each(int_chan ch, int first, int items, int step)
{
    for (int i = first; i < items; i += step)
        bine_send(ch, i);
    bine_chan_unref(ch);
}

double row_select(void)
{
    enum { ITEMS = 1000000, CHANNELS = 4 };
    int_chan ch[CHANNELS];
    long sum = 0;
    int64_t start = now_ns();
    for (int i = 0; i < CHANNELS; i++) {
        ch[i] = make(0);
        check(bine_go(send_each, bine_chan_ref(ch[i]), i, ITEMS, CHANNELS) == 0,
              "select: cannot start a task");
    }
    for (int i = 0; i < ITEMS; i++) {
        int value;
        bine_case cases[CHANNELS] = {BINE_RECV(ch[0], &value), BINE_RECV(ch[1], &value),
                                     BINE_RECV(ch[2], &value), BINE_RECV(ch[3], &value)};
        check(bine_select(cases, CHANNELS) >= 0, "select: failed");
        sum += value;
    }
    double value = ns_since(start) / ITEMS;
    check(sum == (long)ITEMS * (ITEMS - 1) / 2, "select: wrong sum");
    for (int i = 0; i < CHANNELS; i++)
        bine_chan_unref(ch[i]);
    return value;
}

/* --- skynet --- */

typedef bine_chan(long) long_chan;

enum { CHILDREN = 10 };

static void skynet_node(long_chan out, long number, long size)
{
    long sum = 0;
    if (size == 1) {
        bine_send(out, number);
        return;
    }
    long_chan children = bine_chan_make(long, CHILDREN);
    check(children != NULL, "skynet: cannot make a channel");
    size /= CHILDREN;
    for (int i = 0; i < CHILDREN; i++)
        check(bine_go(skynet_node, children, number + i * size, size) == 0,
              "skynet: cannot start a task");
    for (int i = 0; i < CHILDREN; i++) {
        long value;
        check(bine_recv(children, &value) == 0, "skynet: nothing received");
        sum += value;
    }
    bine_chan_unref(children); /* all have sent: nobody else touches it */
    bine_send(out, sum);
}

double row_skynet(void)
{
    enum { LEAVES = 1000000 };
    long sum;
    int64_t start = now_ns();
    long_chan root = bine_chan_make(long, 1);
    check(root && bine_go(skynet_node, root, 0L, (long)LEAVES) == 0, "skynet: cannot start a task");
    check(bine_recv(root, &sum) == 0, "skynet: nothing received");
    double value = ms_since(start);
    bine_chan_unref(root);
    check(sum == (long)LEAVES * (LEAVES - 1) / 2, "skynet: wrong sum");
    return value;
}

/* --- ring --- */

static void pass_on(int_chan in, int_chan out)
{
    BINE_EACH (token, in)
        bine_send(out, token + 1);
    bine_chan_close(out);
    bine_chan_unref(in);
    bine_chan_unref(out);
}

double row_ring(void)
{
    enum { TASKS = 1000, LAPS = 1000 };
    int token = 0;
    int64_t start = now_ns();
    int_chan first = make(0), in = bine_chan_ref(first);
    for (int i = 1; i < TASKS; i++) {
        int_chan out = make(0);
        check(bine_go(pass_on, in, bine_chan_ref(out)) == 0, "ring: cannot start a task");
        in = out;
    }
    for (int i = 0; i < LAPS; i++) {
        bine_send(first, token);
        check(bine_recv(in, &token) == 0, "ring: no token");
        token++;
    }
    double value = ns_since(start) / (TASKS * LAPS);
    check(token == TASKS * LAPS, "ring: wrong token");
    bine_chan_close(first);
    bine_chan_unref(first);
    while (bine_recv(in, NULL) == 0)
        ; /* until all have ended */
    bine_chan_unref(in);
    return value;
}

/* --- prime_sieve --- */

static void sieve_numbers(int_chan out, int last)
{
    for (int i = 2; i <= last; i++)
        bine_send(out, i);
    bine_chan_close(out);
    bine_chan_unref(out);
}

static void sieve_filter(int_chan in, int_chan out, int prime)
{
    BINE_EACH (number, in)
        if (number % prime != 0)
            bine_send(out, number);
    bine_chan_close(out);
    bine_chan_unref(in);
    bine_chan_unref(out);
}

double row_prime_sieve(void)
{
    enum { PRIMES = 1000, LAST = 7919 }; /* the 1,000th prime ends the generator */
    int prime = 0;
    int64_t start = now_ns();
    int_chan in = make(0);
    check(bine_go(sieve_numbers, bine_chan_ref(in), LAST) == 0, "sieve: cannot start a task");
    for (int i = 0; i < PRIMES; i++) {
        int_chan out = make(0);
        check(bine_recv(in, &prime) == 0, "sieve: no prime");
        check(bine_go(sieve_filter, in, bine_chan_ref(out), prime) == 0,
              "sieve: cannot start a task");
        in = out;
    }
    double value = ms_since(start);
    check(prime == LAST, "prime_sieve: wrong prime");
    while (bine_recv(in, NULL) == 0)
        ; /* until all have ended */
    bine_chan_unref(in);
    return value;
}
