/*
 * C++ exceptions belong to a task: one that waits inside a catch block, or while its stack is
 * unwound, keeps its own current exception and count, whatever other tasks throw meanwhile and on
 * whichever thread it goes on. The typed macros are C: tasks are started by what is behind them.
 */
#include "test.h"
#include <atomic>
#include <exception>
#include <stdexcept>
#include <string>

namespace
{

const int tasks = 32;
const int rounds = TEST_SANITIZED ? 20 : 200;
std::atomic<int> ended;

struct numbered : std::runtime_error {
    explicit numbered(int number) : std::runtime_error(std::to_string(number)), number(number)
    {
    }
    int number;
};

void wait_somehow(int how)
{
    if (how % 3 == 0)
        CHECK_EQ(bine_sleep(BINE_US(50)), 0);
    else
        bine_yield();
}

int current_number()
{
    try {
        std::rethrow_exception(std::current_exception());
    } catch (const numbered &error) {
        return error.number;
    }
}

/* Waits while it is destroyed, as a lock or a file might. */
struct waits_at_end {
    int number, uncaught;
    ~waits_at_end()
    {
        CHECK_EQ(std::uncaught_exceptions(), uncaught);
        wait_somehow(number);
        CHECK_EQ(std::uncaught_exceptions(), uncaught);
    }
};

void throw_through_waits(int number)
{
    waits_at_end guard = {number, 1};
    throw numbered(number);
}

void catch_and_wait(int number)
{
    CHECK_EQ(std::uncaught_exceptions(), 0);
    CHECK(!std::current_exception());
    try {
        throw_through_waits(number);
    } catch (const numbered &error) {
        CHECK_EQ(error.number, number);
        wait_somehow(number + 1);
        CHECK_EQ(current_number(), number);
        CHECK_EQ(std::uncaught_exceptions(), 0);
        try {
            throw_through_waits(number + 1000000);
        } catch (const numbered &inner) {
            wait_somehow(number + 2);
            CHECK_EQ(current_number(), number + 1000000);
            CHECK_EQ(inner.number, number + 1000000);
        }
        CHECK_EQ(current_number(), number);
        CHECK(error.what() == std::to_string(number));
    }
    CHECK(!std::current_exception());
    CHECK_EQ(std::uncaught_exceptions(), 0);
}

void rethrow_after_wait(int number)
{
    bool caught = false;
    try {
        try {
            throw numbered(number);
        } catch (...) {
            wait_somehow(number);
            throw; /* this task's, not the last one's that threw on this thread */
        }
    } catch (const numbered &error) {
        caught = error.number == number;
    }
    CHECK(caught);
}

extern "C" void run(int number)
{
    for (int i = 0; i < rounds; i++) {
        waits_at_end guard = {i, 0};
        catch_and_wait(number * rounds + i);
        rethrow_after_wait(number * rounds + i);
    }
    ended++;
}

extern "C" void run_child(int number)
{
    CHECK(!std::current_exception());
    CHECK_EQ(std::uncaught_exceptions(), 0);
    catch_and_wait(number);
}

struct bine_call call_of(void (*fn)(int), int number)
{
    struct bine_call call = {};
    call.fn = (void (*)(void))fn;
    call.arg[0] = (uintptr_t)number;
    call.result = BINE_RESULT_VOID_;
    return call;
}

/* A task awaited inside a catch block, perhaps on this very stack, starts with none of it. */
extern "C" void await_in_catch(int number)
{
    for (int i = 0; i < rounds; i++)
        try {
            throw numbered(number);
        } catch (const numbered &) {
            struct bine_task *child = bine_task_async_(NULL, call_of(run_child, i));
            CHECK(child);
            bine_task_await_(child);
            CHECK_EQ(current_number(), number);
        }
    ended++;
}

} // namespace

int main()
{
    for (int i = 0; i < tasks; i++) {
        CHECK_EQ(bine_task_go_(NULL, call_of(run, i)), 0);
        CHECK_EQ(bine_task_go_(NULL, call_of(await_in_catch, i)), 0);
    }
    EVENTUALLY(ended == 2 * tasks);
    return 0;
}
