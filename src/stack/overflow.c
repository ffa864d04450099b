#include "stack/overflow.h"
#include <pthread.h>
#include <signal.h>
#include <string.h>

static void (*report_overflow)(const struct stack *stack);
static struct sigaction action_before[2];
static pthread_once_t installed = PTHREAD_ONCE_INIT;

static struct sigaction *before(int number)
{
    return &action_before[number == SIGBUS];
}

/* Puts the default action back: returning repeats the fault, which then ends the process where it
 * happened, so that a core file or a debugger shows the place. */
static void let_it_end(int number)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    sigaction(number, &action, NULL);
}

static void pass_on(int number, siginfo_t *info, void *context)
{
    struct sigaction *action = before(number);
    if (action->sa_flags & SA_SIGINFO)
        action->sa_sigaction(number, info, context);
    else if (action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN)
        let_it_end(number);
    else
        action->sa_handler(number);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    const struct stack *stack = info->si_code > 0 ? stack_guarding(info->si_addr) : NULL;
    if (!stack) {
        pass_on(number, info, context);
        return;
    }
    report_overflow(stack);
    let_it_end(number);
}

static void install(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGSEGV, &action, before(SIGSEGV));
    sigaction(SIGBUS, &action, before(SIGBUS));
}

void overflow_install(void (*report)(const struct stack *stack))
{
    report_overflow = report;
    pthread_once(&installed, install);
}

void overflow_enter_thread(void *memory)
{
    stack_t alternate = {.ss_sp = memory, .ss_size = OVERFLOW_STACK_SIZE};
    sigaltstack(&alternate, NULL);
}

void overflow_leave_thread(void)
{
    stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
}
