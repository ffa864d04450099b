/*
 * Switching between stacks on RISC-V 64, lp64d ABI. See arch/switch.h.
 *
 * What lies at a saved stack pointer, lowest first:
 *      0  ra, s0 .. s11
 *    104  fs0 .. fs11
 *    200  fcsr
 */
    .text
    .globl  bine_arch_switch_
    .hidden bine_arch_switch_
    .type   bine_arch_switch_, @function
    .p2align 2
bine_arch_switch_:                  /* a0: where to save, a1: the stack to go to, a2: message */
    .cfi_startproc
    addi    sp, sp, -208
    .cfi_adjust_cfa_offset 208
    sd      ra, 0(sp)
    sd      s0, 8(sp)
    sd      s1, 16(sp)
    sd      s2, 24(sp)
    sd      s3, 32(sp)
    sd      s4, 40(sp)
    sd      s5, 48(sp)
    sd      s6, 56(sp)
    sd      s7, 64(sp)
    sd      s8, 72(sp)
    sd      s9, 80(sp)
    sd      s10, 88(sp)
    sd      s11, 96(sp)
    .cfi_rel_offset ra, 0
    .cfi_rel_offset s0, 8
    .cfi_rel_offset s1, 16
    .cfi_rel_offset s2, 24
    .cfi_rel_offset s3, 32
    .cfi_rel_offset s4, 40
    .cfi_rel_offset s5, 48
    .cfi_rel_offset s6, 56
    .cfi_rel_offset s7, 64
    .cfi_rel_offset s8, 72
    .cfi_rel_offset s9, 80
    .cfi_rel_offset s10, 88
    .cfi_rel_offset s11, 96
    fsd     fs0, 104(sp)
    fsd     fs1, 112(sp)
    fsd     fs2, 120(sp)
    fsd     fs3, 128(sp)
    fsd     fs4, 136(sp)
    fsd     fs5, 144(sp)
    fsd     fs6, 152(sp)
    fsd     fs7, 160(sp)
    fsd     fs8, 168(sp)
    fsd     fs9, 176(sp)
    fsd     fs10, 184(sp)
    fsd     fs11, 192(sp)
    frcsr   t0
    sd      t0, 200(sp)
    sd      sp, 0(a0)
    mv      sp, a1                  /* both stacks look the same from here on: the CFI holds */
    mv      a0, a2
    ld      t1, 200(sp)
    beq     t0, t1, 1f
    fscsr   t1
1:  ld      ra, 0(sp)
    ld      s0, 8(sp)
    ld      s1, 16(sp)
    ld      s2, 24(sp)
    ld      s3, 32(sp)
    ld      s4, 40(sp)
    ld      s5, 48(sp)
    ld      s6, 56(sp)
    ld      s7, 64(sp)
    ld      s8, 72(sp)
    ld      s9, 80(sp)
    ld      s10, 88(sp)
    ld      s11, 96(sp)
    fld     fs0, 104(sp)
    fld     fs1, 112(sp)
    fld     fs2, 120(sp)
    fld     fs3, 128(sp)
    fld     fs4, 136(sp)
    fld     fs5, 144(sp)
    fld     fs6, 152(sp)
    fld     fs7, 160(sp)
    fld     fs8, 168(sp)
    fld     fs9, 176(sp)
    fld     fs10, 184(sp)
    fld     fs11, 192(sp)
    addi    sp, sp, 208
    .cfi_adjust_cfa_offset -208
    ret
    .cfi_endproc
    .size   bine_arch_switch_, . - bine_arch_switch_

/* The first return address of a new stack: calls what s1 holds with the message. */
    .globl  bine_arch_start_
    .hidden bine_arch_start_
    .type   bine_arch_start_, @function
    .p2align 2
bine_arch_start_:
    .cfi_startproc
    .cfi_undefined ra               /* nobody called this: unwinding ends here */
    li      s0, 0
    jalr    s1
    ebreak                          /* an entry function does not return */
    .cfi_endproc
    .size   bine_arch_start_, . - bine_arch_start_

    .section .note.GNU-stack, "", @progbits
