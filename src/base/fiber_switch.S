/* What fiber_switch.h declares, where the machine is known; elsewhere this file is empty. Both stacks have the same layout at each instruction,
 * so what is said for the unwinder (.cfi) is true before and after the stack pointer changes. No .note.gnu.property: see fiber_switch.h. */

#if defined(__x86_64__) && defined(__LP64__) && !defined(FIBER_SWITCH_PORTABLE)

    .text
    .globl switch_stacks
    .hidden switch_stacks
    .type switch_stacks, @function
    .balign 16
switch_stacks:                      /* rdi: SwitchPoint *from, rsi: const SwitchPoint *to */
    .cfi_startproc
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbx, 0
    pushq %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r12, 0
    pushq %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r13, 0
    pushq %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r14, 0
    pushq %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r15, 0
    movq %rsp, (%rdi)
    movq (%rsi), %rsp
    popq %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r15
    popq %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r14
    popq %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r13
    popq %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r12
    popq %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbx
    popq %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbp
    ret
    .cfi_endproc
    .size switch_stacks, . - switch_stacks

    .globl switch_first
    .hidden switch_first
    .type switch_first, @function
    .cfi_startproc
    .cfi_undefined %rip             /* the outermost: nobody called it */
    nop                             /* the unwinder looks before the return address */
switch_first:                       /* switch_stacks returns here; the stack is empty */
    call *%rbx
    ud2
    .cfi_endproc
    .size switch_first, . - switch_first

#elif defined(__aarch64__) && defined(__LP64__) && !defined(FIBER_SWITCH_PORTABLE)

    .text
    .globl switch_stacks
    .hidden switch_stacks
    .type switch_stacks, %function
    .balign 16
switch_stacks:                      /* x0: SwitchPoint *from, x1: const SwitchPoint *to */
    .cfi_startproc
    stp x29, x30, [sp, #-160]!
    .cfi_adjust_cfa_offset 160
    .cfi_rel_offset x29, 0
    .cfi_rel_offset x30, 8
    stp x19, x20, [sp, #16]
    .cfi_rel_offset x19, 16
    .cfi_rel_offset x20, 24
    stp x21, x22, [sp, #32]
    .cfi_rel_offset x21, 32
    .cfi_rel_offset x22, 40
    stp x23, x24, [sp, #48]
    .cfi_rel_offset x23, 48
    .cfi_rel_offset x24, 56
    stp x25, x26, [sp, #64]
    .cfi_rel_offset x25, 64
    .cfi_rel_offset x26, 72
    stp x27, x28, [sp, #80]
    .cfi_rel_offset x27, 80
    .cfi_rel_offset x28, 88
    stp d8, d9, [sp, #96]
    .cfi_rel_offset d8, 96
    .cfi_rel_offset d9, 104
    stp d10, d11, [sp, #112]
    .cfi_rel_offset d10, 112
    .cfi_rel_offset d11, 120
    stp d12, d13, [sp, #128]
    .cfi_rel_offset d12, 128
    .cfi_rel_offset d13, 136
    stp d14, d15, [sp, #144]
    .cfi_rel_offset d14, 144
    .cfi_rel_offset d15, 152
    mov x9, sp
    str x9, [x0]
    ldr x9, [x1]
    mov sp, x9
    ldp d14, d15, [sp, #144]
    ldp d12, d13, [sp, #128]
    ldp d10, d11, [sp, #112]
    ldp d8, d9, [sp, #96]
    ldp x27, x28, [sp, #80]
    ldp x25, x26, [sp, #64]
    ldp x23, x24, [sp, #48]
    ldp x21, x22, [sp, #32]
    ldp x19, x20, [sp, #16]
    ldp x29, x30, [sp], #160        /* the places above hold what the registers hold by now, so the unwinder may read either */
    .cfi_adjust_cfa_offset -160
    .cfi_restore x29
    .cfi_restore x30
    .cfi_restore x19
    .cfi_restore x20
    .cfi_restore x21
    .cfi_restore x22
    .cfi_restore x23
    .cfi_restore x24
    .cfi_restore x25
    .cfi_restore x26
    .cfi_restore x27
    .cfi_restore x28
    .cfi_restore d8
    .cfi_restore d9
    .cfi_restore d10
    .cfi_restore d11
    .cfi_restore d12
    .cfi_restore d13
    .cfi_restore d14
    .cfi_restore d15
    ret
    .cfi_endproc
    .size switch_stacks, . - switch_stacks

    .globl switch_first
    .hidden switch_first
    .type switch_first, %function
    .cfi_startproc
    .cfi_undefined x30              /* the outermost: nobody called it */
    nop                             /* the unwinder looks before the return address */
switch_first:                       /* switch_stacks returns here; the stack is empty */
    blr x19
    brk #1
    .cfi_endproc
    .size switch_first, . - switch_first

#endif

    .section .note.GNU-stack, "", %progbits
