/*
 * Switching between stacks on AArch64, AAPCS64. See arch/switch.h.
 *
 * What lies at a saved stack pointer, lowest first:
 *      0  x19 .. x28, x29, x30
 *     96  d8 .. d15
 *    160  FPCR, unused
 */
    .text
    .globl  bine_arch_switch_
    .hidden bine_arch_switch_
    .type   bine_arch_switch_, %function
    .p2align 4
bine_arch_switch_:                  /* x0: where to save, x1: the stack to go to, x2: message */
    .cfi_startproc
    sub     sp, sp, #176
    .cfi_adjust_cfa_offset 176
    stp     x19, x20, [sp, #0]
    stp     x21, x22, [sp, #16]
    stp     x23, x24, [sp, #32]
    stp     x25, x26, [sp, #48]
    stp     x27, x28, [sp, #64]
    stp     x29, x30, [sp, #80]
    .cfi_rel_offset x19, 0
    .cfi_rel_offset x20, 8
    .cfi_rel_offset x21, 16
    .cfi_rel_offset x22, 24
    .cfi_rel_offset x23, 32
    .cfi_rel_offset x24, 40
    .cfi_rel_offset x25, 48
    .cfi_rel_offset x26, 56
    .cfi_rel_offset x27, 64
    .cfi_rel_offset x28, 72
    .cfi_rel_offset x29, 80
    .cfi_rel_offset x30, 88
    stp     d8, d9, [sp, #96]
    stp     d10, d11, [sp, #112]
    stp     d12, d13, [sp, #128]
    stp     d14, d15, [sp, #144]
    mrs     x3, fpcr
    str     x3, [sp, #160]
    mov     x4, sp
    str     x4, [x0]
    mov     sp, x1                  /* both stacks look the same from here on: the CFI holds */
    mov     x0, x2
    ldr     x4, [sp, #160]
    cmp     x3, x4
    b.eq    1f
    msr     fpcr, x4
1:  ldp     x19, x20, [sp, #0]
    ldp     x21, x22, [sp, #16]
    ldp     x23, x24, [sp, #32]
    ldp     x25, x26, [sp, #48]
    ldp     x27, x28, [sp, #64]
    ldp     x29, x30, [sp, #80]
    ldp     d8, d9, [sp, #96]
    ldp     d10, d11, [sp, #112]
    ldp     d12, d13, [sp, #128]
    ldp     d14, d15, [sp, #144]
    add     sp, sp, #176
    .cfi_adjust_cfa_offset -176
    ret
    .cfi_endproc
    .size   bine_arch_switch_, . - bine_arch_switch_

/* The first return address of a new stack: calls what x19 holds with the message. */
    .globl  bine_arch_start_
    .hidden bine_arch_start_
    .type   bine_arch_start_, %function
    .p2align 4
bine_arch_start_:
    .cfi_startproc
    .cfi_undefined x30              /* nobody called this: unwinding ends here */
    mov     x29, #0
    blr     x19
    brk     #1                      /* an entry function does not return */
    .cfi_endproc
    .size   bine_arch_start_, . - bine_arch_start_

    .section .note.GNU-stack, "", %progbits
