/*
 * Selects race with each other, with plain sends and receives, with deadlines, cancellation, events
 * and ending tasks: one case happens or none, and no value is lost or doubled.
 */
#include "test_support/crowd.h"
#include <bine/select.h>
#include <stdatomic.h>

enum { CHANNELS = 3, ROUNDS = 3000, SWEEP_NS = 20000 };

static _Atomic long sent, received, sent_sum, received_sum, gave_up, by_event, by_task;

static void count_sent(int number)
{
    sent++;
    sent_sum += number;
}

static void count_received(int number)
{
    CHECK(number >= 0);
    received++;
    received_sum += number;
}

struct scene {
    bine_chan(int) ch[CHANNELS];
    bine_event event;
    bine_time moment;
    int round;
};

static void end_at_once(int round)
{
    test_spin((unsigned)round % 500);
}

static void select_receive(struct scene *scene)
{
    int value[CHANNELS] = {-1, -1, -1};
    bine_future(void) task = bine_async(end_at_once, scene->round);
    bine_case cases[] = {BINE_RECV(scene->ch[0], &value[0]), BINE_RECV(scene->ch[1], &value[1]),
                         BINE_RECV(scene->ch[2], &value[2]), BINE_SET(&scene->event),
                         BINE_ENDED(scene->round % 8 ? NULL : task)};
    int index = bine_select_until(cases, 5, scene->moment);
    for (int i = 0; i < CHANNELS; i++)
        CHECK(i == index || value[i] == -1);
    if (index < 0) {
        CHECK(index == -ETIMEDOUT || index == -ECANCELED);
        gave_up++;
    } else if (index < CHANNELS) {
        CHECK_EQ(cases[index].result, 0);
        count_received(value[index]);
    } else {
        *(index == 3 ? &by_event : &by_task) += 1;
    }
    bine_await(task);
}

static void select_send(struct scene *scene)
{
    int number = scene->round;
    bine_case cases[] = {BINE_SEND(scene->ch[2], number), BINE_SEND(scene->ch[1], number + 1),
                         BINE_SEND(scene->ch[0], number + 2)};
    int index = bine_select_until(cases, 3, scene->moment);
    if (index >= 0) {
        CHECK_EQ(cases[index].result, 0);
        count_sent(number + index);
    } else {
        CHECK(index == -ETIMEDOUT || index == -ECANCELED);
        gave_up++;
    }
}

static void send_plainly(struct scene *scene)
{
    int result = bine_send_until(scene->ch[scene->round % CHANNELS], 5, scene->moment);
    if (result == 0)
        count_sent(5);
    else
        CHECK(result == -ETIMEDOUT);
}

static void race_once(int round)
{
    struct scene scene = {.round = round};
    int value;
    for (int i = 0; i < CHANNELS; i++)
        scene.ch[i] = bine_chan_make(int, i == 2);
    scene.moment = bine_after(SWEEP_NS + round * 37 % SWEEP_NS);
    bine_future(void)
        tasks[] = {bine_async(select_receive, &scene), bine_async(select_send, &scene),
                   bine_async(select_receive, &scene), bine_async(send_plainly, &scene)};
    for (int i = round % 5; i > 0; i--)
        bine_yield();
    test_spin((unsigned)round % 1000);
    if (round % 3 == 0)
        bine_cancel(tasks[0]);
    if (round % 4 == 0)
        bine_event_set(&scene.event);
    if (round % 3 == 1)
        bine_cancel(tasks[1]);
    for (int i = 0; i < 4; i++)
        bine_await(tasks[i]);
    for (int i = 0; i < CHANNELS; i++) {
        while (bine_try_recv(scene.ch[i], &value) == 0)
            count_received(value);
        bine_chan_unref(scene.ch[i]);
    }
}

static int race_often(int rounds)
{
    for (int i = 0; i < rounds; i++)
        race_once(i);
    return 0;
}

int main(void)
{
    race_often(test_scaled(ROUNDS));
    CHECK_EQ(bine_run(race_often, test_scaled(ROUNDS)), 0);
    CHECK_EQ(sent, received);
    CHECK_EQ(sent_sum, received_sum);
    CHECK(sent > 0);
    CHECK(gave_up > 0 && by_event > 0); /* else nothing raced */
    return 0;
}
