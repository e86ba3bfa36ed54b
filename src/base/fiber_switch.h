/* fiber_switch.h - from one stack of a thread to another; fiber.c alone uses it.
 *
 * On x86-64 and aarch64 these are a dozen instructions (fiber_switch.S), which save what a call has to leave as it was: the callee-saved registers
 * and the stack pointer. Elsewhere, and with FIBER_SWITCH_PORTABLE, it is setcontext, which also asks the kernel for the signal mask each time.
 * The mask and the modes of floating point (mxcsr and the x87 control word, fpcr) stay the thread's: who changes one changes it back before it parks.
 * Shadow stacks (x86 CET, aarch64 GCS) know of one stack. fiber_switch.S has no mark of them, so the linker leaves it off the program, and
 * the loader leaves them off: never add it.
 * Sources: System V ABI AMD64 3.2.1 and 3.2.3; AAPCS64 6.1.1 and 6.1.2; getcontext(3), makecontext(3). */
#ifndef BASE_FIBER_SWITCH_H
#define BASE_FIBER_SWITCH_H

#include <stddef.h>

#if (defined(__x86_64__) || defined(__aarch64__)) && defined(__LP64__) && !defined(FIBER_SWITCH_PORTABLE)
#define FIBER_SWITCH_NATIVE 1
/* Where a stack was left: the registers lie on it. */
typedef struct SwitchPoint {
    void *stack_pointer;
} SwitchPoint;
#else
#include <ucontext.h>
typedef struct SwitchPoint {
    ucontext_t registers;
} SwitchPoint;
#endif

/* The first switch to `point` calls `entry` at the upper end of the stack. It never returns. */
void switch_prepare(SwitchPoint *point, void *stack, size_t stack_bytes, void (*entry)(void));

/* Returns when somebody switches to `from`. Both are of this thread. */
void switch_stacks(SwitchPoint *from, const SwitchPoint *to);

#endif
