/*
 * Switching between stacks on x86-64, System V ABI. See arch/switch.h.
 *
 * What lies at a saved stack pointer, lowest first:
 *      0  MXCSR (4 bytes), x87 control word (2), unused (2)
 *      8  r15, r14, r13, r12, rbx, rbp
 *     56  return address
 * The control words are stored always but loaded only where they differ: a compare costs less than
 * a load that serialises.
 */
    .text
    .globl  bine_arch_switch_
    .hidden bine_arch_switch_
    .type   bine_arch_switch_, @function
    .p2align 4
bine_arch_switch_:                  /* rdi: where to save, rsi: the stack to go to, rdx: message */
    .cfi_startproc
    endbr64
    pushq   %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbp, 0
    pushq   %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset rbx, 0
    pushq   %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r12, 0
    pushq   %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r13, 0
    pushq   %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r14, 0
    pushq   %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset r15, 0
    subq    $8, %rsp
    .cfi_adjust_cfa_offset 8
    stmxcsr (%rsp)
    fnstcw  4(%rsp)
    movq    %rsp, (%rdi)
    movl    (%rsp), %ecx
    movzwl  4(%rsp), %r8d
    movq    %rsi, %rsp              /* both stacks look the same from here on: the CFI holds */
    movq    %rdx, %rax
    cmpl    (%rsp), %ecx
    jne     1f
    cmpw    4(%rsp), %r8w
    jne     1f
2:  addq    $8, %rsp
    .cfi_adjust_cfa_offset -8
    popq    %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore r15
    popq    %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore r14
    popq    %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore r13
    popq    %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore r12
    popq    %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore rbx
    popq    %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore rbp
    ret
    .cfi_adjust_cfa_offset 56
    .cfi_rel_offset rbp, 48
    .cfi_rel_offset rbx, 40
    .cfi_rel_offset r12, 32
    .cfi_rel_offset r13, 24
    .cfi_rel_offset r14, 16
    .cfi_rel_offset r15, 8
1:  ldmxcsr (%rsp)
    fldcw   4(%rsp)
    jmp     2b
    .cfi_endproc
    .size   bine_arch_switch_, . - bine_arch_switch_

/* The first return address of a new stack: calls what rbx holds with the message. */
    .globl  bine_arch_start_
    .hidden bine_arch_start_
    .type   bine_arch_start_, @function
    .p2align 4
bine_arch_start_:
    .cfi_startproc
    .cfi_undefined rip              /* nobody called this: unwinding ends here */
    endbr64
    movq    %rax, %rdi
    xorl    %ebp, %ebp
    call    *%rbx
    ud2                             /* an entry function does not return */
    .cfi_endproc
    .size   bine_arch_start_, . - bine_arch_start_

    .section .note.GNU-stack, "", @progbits
