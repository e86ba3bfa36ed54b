#include "base/fiber_switch.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef FIBER_SWITCH_NATIVE

enum { STACK_ALIGNMENT = 16 };

/* Of fiber_switch.S: calls what `entry` of the frame below holds. */
void switch_first(void);

/* What switch_stacks takes from the stack that it goes to, from its pointer upwards. */
#ifdef __x86_64__
typedef struct Frame {
    uint64_t r15, r14, r13, r12;
    void (*entry)(void); /* in rbx */
    uint64_t rbp;
    void (*return_to)(void);
} Frame;
static_assert(sizeof(Frame) == 56, "as fiber_switch.S has it");
#else
typedef struct Frame {
    uint64_t frame_pointer;
    void (*return_to)(void);
    void (*entry)(void); /* in x19 */
    uint64_t x20_to_x28[9], d8_to_d15[8];
} Frame;
static_assert(sizeof(Frame) == 160, "as fiber_switch.S has it");
#endif

void switch_prepare(SwitchPoint *point, void *stack, size_t stack_bytes, void (*entry)(void))
{
    uintptr_t end = ((uintptr_t)stack + stack_bytes) / STACK_ALIGNMENT * STACK_ALIGNMENT;
    Frame *frame = (Frame *)(end - sizeof(Frame));
    *frame = (Frame){.entry = entry, .return_to = switch_first};
    point->stack_pointer = frame;
}

#else

void switch_prepare(SwitchPoint *point, void *stack, size_t stack_bytes, void (*entry)(void))
{
    getcontext(&point->registers);
    point->registers.uc_stack.ss_sp = stack;
    point->registers.uc_stack.ss_size = stack_bytes;
    point->registers.uc_link = NULL;
    makecontext(&point->registers, entry, 0);
}

/* Not swapcontext, of which the address sanitizer complains aloud whatever it is told. */
void switch_stacks(SwitchPoint *from, const SwitchPoint *to)
{
    volatile bool back = false;
    getcontext(&from->registers); /* returns a second time when somebody comes here */
    if (!back) {
        back = true;
        setcontext(&to->registers);
    }
}

#endif
