/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All that runs in a guest inside the guest, in the first block of the drive that
 * is handed to it. An operating system would take half an hour to start, emulated
 * in what is emulated; the guest's firmware has a driver for NVMe too, which does
 * DMA like any other.
 *
 * It reads block 8 by that driver and says on its serial port what is there, up
 * to the first zero; writes a line to block 16; waits for the key x; and powers
 * itself off.
 */
	.code16
	.globl _start

#define SERIAL		0x3f8
#define LINE_STATUS	(SERIAL + 5)
/* Of QEMU's q35: what the ACPI tables name PM1a_CNT, and SLP_EN of it. */
#define PM1A_CNT	0x604
#define SLP_EN		0x2000
#define BLOCK		512
/* INT 16h, of which function 0 waits for a key. */
#define KEYBOARD	0x16
/* INT 13h with an address packet, and its functions. */
#define DISK		0x13
#define EXTENDED_READ	0x42
#define EXTENDED_WRITE	0x43

_start:
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	$_start, %sp
	sti
	cld
	/* Which drive this is, the firmware says in dl. */
	movb	%dl, drive

	movb	$EXTENDED_READ, %ah
	call	disk
	movw	$reads, %si
	call	say
	movw	$buffer, %si
	call	say

	/* All zeroes but for the line. */
	movw	$buffer, %di
	movw	$(BLOCK / 2), %cx
	xorw	%ax, %ax
	rep stosw
	movw	$line, %si
	movw	$buffer, %di
	movw	$(line_end - line), %cx
	rep movsb
	movb	$16, packet_block
	movw	$EXTENDED_WRITE << 8, %ax
	call	disk
	movw	$written, %si
	call	say

	/*
	 * The firmware takes what comes by the serial port as keys, some of which
	 * were meant for what was before this.
	 */
1:	xorw	%ax, %ax
	int	$KEYBOARD
	cmpb	$'x', %al
	jne	1b
	movw	$goes, %si
	call	say
	movw	$PM1A_CNT, %dx
	movw	$SLP_EN, %ax
	outw	%ax, %dx
2:	hlt
	jmp	2b

/* ax: the function. Says so and stops when it fails. */
disk:
	movb	drive, %dl
	movw	$packet, %si
	int	$DISK
	jc	1f
	ret
1:	movw	$fails, %si
	call	say
	jmp	2b

/* si: what to say, up to a zero */
say:
	lodsb
	testb	%al, %al
	jz	2f
	movb	%al, %bl
	movw	$LINE_STATUS, %dx
1:	inb	%dx, %al
	testb	$0x20, %al
	jz	1b
	movb	%bl, %al
	movw	$SERIAL, %dx
	outb	%al, %dx
	jmp	say
2:	ret

packet:
	.byte	16, 0
	.word	1
	.word	buffer, 0
packet_block:
	.quad	8
reads:
	.asciz	"\ninner: reads "
written:
	.asciz	"inner: writes block 16\n"
goes:
	.asciz	"inner: goes off\n"
fails:
	.asciz	"\ninner: fails\n"
line:
	.ascii	"written inside\n"
line_end:
drive:
	.byte	0

	.org	510
	.word	0xaa55
	.set	buffer, _start + 0x400
