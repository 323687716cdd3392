/* SPDX-License-Identifier: MIT */
/*
 * The clock's processor-specific part for x86-64.
 */
#include "harness/clock/arch.h"

#if defined(__x86_64__)

#include <assert.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/clock/page.h"

int arch_regs_get(pid_t tid, struct arch_regs *ret)
{
	return ptrace(PTRACE_GETREGS, tid, NULL, &ret->user) ? -errno : 0;
}

int arch_regs_set(pid_t tid, const struct arch_regs *regs)
{
	return ptrace(PTRACE_SETREGS, tid, NULL, &regs->user) ? -errno : 0;
}

long arch_nr(const struct arch_regs *regs)
{
	return (long)regs->user.orig_rax;
}

void arch_set_nr(struct arch_regs *regs, long nr)
{
	regs->user.orig_rax = (unsigned long long)nr;
}

uint64_t arch_arg(const struct arch_regs *regs, int index)
{
	const struct user_regs_struct *u = &regs->user;
	const uint64_t arg[] = {u->rdi, u->rsi, u->rdx, u->r10, u->r8, u->r9};

	assert(index >= 0 && index < 6);
	return arg[index];
}

void arch_set_arg(struct arch_regs *regs, int index, uint64_t value)
{
	struct user_regs_struct *u = &regs->user;
	unsigned long long *const arg[] = {&u->rdi, &u->rsi, &u->rdx,
					   &u->r10, &u->r8,  &u->r9};

	assert(index >= 0 && index < 6);
	*arg[index] = value;
}

long arch_ret(const struct arch_regs *regs)
{
	return (long)regs->user.rax;
}

void arch_set_ret(struct arch_regs *regs, long ret)
{
	regs->user.rax = (unsigned long long)ret;
}

uint64_t arch_ip(const struct arch_regs *regs)
{
	return regs->user.rip;
}

uint64_t arch_sp(const struct arch_regs *regs)
{
	return regs->user.rsp;
}

void arch_restore_call(struct arch_regs *regs, const struct arch_regs *from)
{
	for (int i = 0; i < 6; i++)
		arch_set_arg(regs, i, arch_arg(from, i));
	regs->user.orig_rax = from->user.orig_rax;
}

void arch_finish_call(struct arch_regs *regs, long ret)
{
	regs->user.orig_rax = (unsigned long long)-1;
	regs->user.rax = (unsigned long long)ret;
}

uint64_t arch_scratch(const struct arch_regs *regs, size_t bytes)
{
	/* Below the red zone of 128 bytes (System V ABI 3.2.2). */
	return (regs->user.rsp - 256 - bytes) & ~UINT64_C(15);
}

bool arch_is_compat(const struct arch_regs *regs)
{
	return regs->user.cs == 0x23;
}

static ssize_t arch_read(pid_t tid, uint64_t address, void *buf, size_t len)
{
	struct iovec local = {buf, len};
	struct iovec remote = {(void *)(uintptr_t)address, len};

	return process_vm_readv(tid, &local, 1, &remote, 1, 0);
}

/*
 * glibc's wrappers on their single-threaded path:
 *	syscall; cmp $-4096,%rax; ja error; ret
 * The error path sets errno and returns -1; neither looks at an argument.
 */
bool arch_call_returns_at_once(pid_t tid, const struct arch_regs *regs)
{
	static const uint8_t compare[] = {0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff};
	uint8_t code[9];

	if (arch_read(tid, regs->user.rip, code, sizeof(code)) !=
	    (ssize_t)sizeof(code))
		return false;
	return memcmp(code, compare, sizeof(compare)) == 0 && code[6] == 0x77 &&
	       code[8] == 0xc3;
}

/*
 * The code put over __vdso_clock_gettime. Position independent but for the
 * address of the clock page, which replaces ARCH_PAGE_MARK (three places).
 * Leaf code: it may use what a C function may clobber.
 */
#define ARCH_PAGE_MARK UINT64_C(0x5a5aa5a5c3c33c3c)
#define STRING2(x)     #x
#define STRING(x)      STRING2(x)

__asm__(".pushsection .rodata\n"
	"arch_code:\n"
	"arch_code_clock_gettime:\n"
	"	cmp $11, %edi\n"
	"	ja 9f\n"
	"	mov $0x821, %eax\n" /* REALTIME, REALTIME_COARSE, TAI */
	"	bt %edi, %eax\n"
	"	jc 1f\n"
	"	mov $0xd2, %eax\n" /* MONOTONIC, _RAW, _COARSE, BOOTTIME */
	"	bt %edi, %eax\n"
	"	jnc 9f\n"
	"	movabs $0x5a5aa5a5c3c33c3c, %r8\n"
	"	mov 8(%r8), %r9\n"
	"	jmp 2f\n"
	"1:	movabs $0x5a5aa5a5c3c33c3c, %r8\n"
	"	mov (%r8), %r9\n"
	"2:	mov $1, %eax\n"
	"	lock xadd %rax, 16(%r8)\n"
	"	inc %rax\n"
	"	cmp $4096, %rax\n"
	"	ja 9f\n"
	"	imul $1000, %rax, %rax\n"
	"	add %r9, %rax\n"
	"	xor %edx, %edx\n"
	"	mov $1000000000, %ecx\n"
	"	div %rcx\n"
	"	mov %rax, (%rsi)\n"
	"	mov %rdx, 8(%rsi)\n"
	"	xor %eax, %eax\n"
	"	ret\n"
	"9:	mov $228, %eax\n" /* SYS_clock_gettime */
	"arch_code_syscall:\n"
	"	syscall\n"
	"	ret\n"
	"arch_code_gettimeofday:\n"
	"	test %rdi, %rdi\n"
	"	jz 9f\n"
	"	movabs $0x5a5aa5a5c3c33c3c, %r8\n"
	"	mov $1, %eax\n"
	"	lock xadd %rax, 16(%r8)\n"
	"	inc %rax\n"
	"	cmp $4096, %rax\n"
	"	ja 9f\n"
	"	imul $1000, %rax, %rax\n"
	"	add (%r8), %rax\n"
	"	mov %rsi, %r9\n"
	"	xor %edx, %edx\n"
	"	mov $1000000000, %ecx\n"
	"	div %rcx\n"
	"	mov %rax, (%rdi)\n"
	"	mov %rdx, %rax\n"
	"	xor %edx, %edx\n"
	"	mov $1000, %ecx\n"
	"	div %rcx\n"
	"	mov %rax, 8(%rdi)\n"
	"	test %r9, %r9\n"
	"	jz 1f\n"
	"	movq $0, (%r9)\n"
	"1:	xor %eax, %eax\n"
	"	ret\n"
	"9:	mov $96, %eax\n" /* SYS_gettimeofday */
	"	syscall\n"
	"	ret\n"
	"arch_code_time:\n"
	"	movabs $0x5a5aa5a5c3c33c3c, %r8\n"
	"	mov $1, %eax\n"
	"	lock xadd %rax, 16(%r8)\n"
	"	inc %rax\n"
	"	cmp $4096, %rax\n"
	"	ja 9f\n"
	"	imul $1000, %rax, %rax\n"
	"	add (%r8), %rax\n"
	"	xor %edx, %edx\n"
	"	mov $1000000000, %ecx\n"
	"	div %rcx\n"
	"	test %rdi, %rdi\n"
	"	jz 1f\n"
	"	mov %rax, (%rdi)\n"
	"1:	ret\n"
	"9:	mov $201, %eax\n" /* SYS_time */
	"	syscall\n"
	"	ret\n"
	"arch_code_end:\n"
	".popsection\n");

_Static_assert(PAGE_READS_MAX == 4096 && PAGE_READ_STEP_NS == 1000,
	       "the code above holds both numbers");
_Static_assert(offsetof(struct clock_page, mono_ns) == 8 &&
		       offsetof(struct clock_page, reads) == 16,
	       "the code above holds both offsets");
_Static_assert(SYS_clock_gettime == 228 && SYS_gettimeofday == 96 &&
		       SYS_time == 201,
	       "the code above holds the three numbers");

extern const uint8_t arch_code[], arch_code_clock_gettime[];
extern const uint8_t arch_code_syscall[], arch_code_gettimeofday[];
extern const uint8_t arch_code_time[], arch_code_end[];

enum {
	ARCH_CODE_MAX = 640,		/* bytes of code above */
	ARCH_JUMP_BYTES = 5,		/* jmp rel32 */
	ARCH_STACK_WORDS_MAX = 1 << 22, /* argv and envp pointers looked at */
};

/* Offsets in the vDSO, the same in each process of this kernel. */
struct arch_vdso {
	uint64_t clock_gettime, clock_gettime_size;
	uint64_t gettimeofday, time;
};

static int arch_vdso_find(struct arch_vdso *ret)
{
	const uint8_t *base = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *elf = (const void *)base;
	const Elf64_Shdr *section;

	*ret = (struct arch_vdso){0};
	if (!base)
		return -ENOSYS;
	section = (const void *)(base + elf->e_shoff);
	for (int i = 0; i < elf->e_shnum; i++) {
		const Elf64_Sym *sym =
			(const void *)(base + section[i].sh_offset);
		const char *names;

		if (section[i].sh_type != SHT_DYNSYM)
			continue;
		names = (const char *)base +
			section[section[i].sh_link].sh_offset;
		for (size_t k = 0; k < section[i].sh_size / sizeof(*sym); k++) {
			const char *name = names + sym[k].st_name;

			if (!strcmp(name, "__vdso_clock_gettime")) {
				ret->clock_gettime = sym[k].st_value;
				ret->clock_gettime_size = sym[k].st_size;
			} else if (!strcmp(name, "__vdso_gettimeofday")) {
				ret->gettimeofday = sym[k].st_value;
			} else if (!strcmp(name, "__vdso_time")) {
				ret->time = sym[k].st_value;
			}
		}
	}
	if (!ret->clock_gettime || !ret->gettimeofday || !ret->time)
		return -ENOSYS;
	if (ret->clock_gettime_size < (size_t)(arch_code_end - arch_code))
		return -ENOSPC;
	return 0;
}

/* Where the vDSO's address stands in the new program's auxiliary vector. */
static int arch_auxv_find(pid_t tid, uint64_t sp, uint64_t *ret_slot,
			  uint64_t *ret_base)
{
	uint64_t words[64];
	uint64_t at = sp + 8; /* argc is skipped; argv and envp follow */
	int nulls = 0;
	size_t seen = 0;
	bool is_type = true;
	uint64_t type = 0;

	while (seen < ARCH_STACK_WORDS_MAX) {
		/* The stack ends soon: take what there is. */
		ssize_t n = arch_read(tid, at, words, sizeof(words));

		if (n < 8)
			return -ESRCH;
		for (size_t i = 0; i < (size_t)n / 8; i++) {
			uint64_t here = at + i * 8;

			seen++;
			if (nulls < 2) {
				nulls += words[i] == 0;
				continue;
			}
			if (is_type) {
				type = words[i];
				if (type == AT_NULL)
					return -ENOENT;
			} else if (type == AT_SYSINFO_EHDR) {
				*ret_slot = here - 8;
				*ret_base = words[i];
				return 0;
			}
			is_type = !is_type;
		}
		at += (size_t)n / 8 * 8;
	}
	return -ENOENT;
}

static int arch_hide_vdso(pid_t tid, uint64_t slot)
{
	uint64_t ignore = AT_IGNORE;
	struct iovec local = {&ignore, sizeof(ignore)};
	struct iovec remote = {(void *)(uintptr_t)slot, sizeof(ignore)};

	return process_vm_writev(tid, &local, 1, &remote, 1, 0) < 0 ? -errno
								    : 0;
}

/* Wait for the stop that a restart of this one task leads to. */
static int arch_step(pid_t tid, int request)
{
	int status;

	if (ptrace(request, tid, NULL, NULL))
		return -errno;
	while (waitpid(tid, &status, __WALL) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFSTOPPED(status) ? 0 : -ESRCH;
}

/* Run shmat(@shmid) in the task, which stands at the exit of execve. */
static int arch_attach_page(pid_t tid, int shmid, uint64_t syscall_ip,
			    uint64_t *ret_page)
{
	struct arch_regs saved, regs;
	int err = arch_regs_get(tid, &saved);

	if (err)
		return err;
	regs = saved;
	regs.user.rip = syscall_ip;
	regs.user.rax = SYS_shmat;
	regs.user.orig_rax = (unsigned long long)-1;
	regs.user.rdi = (unsigned long long)shmid;
	regs.user.rsi = 0;
	regs.user.rdx = 0;
	err = arch_regs_set(tid, &regs);
	if (!err)
		err = arch_step(tid, PTRACE_SINGLESTEP);
	if (!err)
		err = arch_regs_get(tid, &regs);
	if (err)
		return err;
	err = arch_regs_set(tid, &saved);
	if (err)
		return err;
	if ((long)regs.user.rax < 0)
		return (int)regs.user.rax;
	*ret_page = regs.user.rax;
	return 0;
}

static int arch_poke(int mem, uint64_t at, const void *bytes, size_t len)
{
	return pwrite(mem, bytes, len, (off_t)at) == (ssize_t)len ? 0 : -EIO;
}

static int arch_poke_jump(int mem, uint64_t from, uint64_t to)
{
	uint8_t jump[ARCH_JUMP_BYTES] = {0xe9};
	int32_t distance = (int32_t)(to - from - ARCH_JUMP_BYTES);

	memcpy(jump + 1, &distance, sizeof(distance));
	return arch_poke(mem, from, jump, sizeof(jump));
}

static int arch_write_code(int mem, uint64_t base, const struct arch_vdso *v,
			   uint64_t page)
{
	uint8_t code[ARCH_CODE_MAX];
	size_t len = (size_t)(arch_code_end - arch_code);
	uint64_t mark = ARCH_PAGE_MARK;
	uint64_t home = base + v->clock_gettime;
	int err;

	assert(len <= sizeof(code));
	memcpy(code, arch_code, len);
	for (size_t i = 0; i + sizeof(mark) <= len; i++)
		if (!memcmp(code + i, &mark, sizeof(mark)))
			memcpy(code + i, &page, sizeof(page));
	err = arch_poke(mem, home, code, len);
	if (!err)
		err = arch_poke_jump(
			mem, base + v->gettimeofday,
			home + (uint64_t)(arch_code_gettimeofday - arch_code));
	if (!err)
		err = arch_poke_jump(
			mem, base + v->time,
			home + (uint64_t)(arch_code_time - arch_code));
	return err;
}

static int arch_replace_vdso(pid_t tid, int shmid, uint64_t base)
{
	struct arch_vdso vdso;
	char path[40];
	uint64_t page = 0;
	int mem;
	int err = arch_vdso_find(&vdso);

	if (err)
		return err;
	snprintf(path, sizeof(path), "/proc/%d/mem", tid);
	mem = open(path, O_RDWR | O_CLOEXEC);
	if (mem < 0)
		return -errno;
	/* First the code without a page: it holds the instruction to attach
	 * the page with. */
	err = arch_write_code(mem, base, &vdso, 0);
	if (!err)
		err = arch_attach_page(
			tid, shmid,
			base + vdso.clock_gettime +
				(uint64_t)(arch_code_syscall - arch_code),
			&page);
	if (!err)
		err = arch_write_code(mem, base, &vdso, page);
	close(mem);
	return err;
}

int arch_exec_fix(pid_t tid, int shmid)
{
	struct arch_regs regs;
	uint64_t slot, base;
	int err;

	/* On to the exit of execve: before it rax is not ours to set. */
	err = arch_step(tid, PTRACE_SYSCALL);
	if (err)
		return -ESRCH;
	if (arch_regs_get(tid, &regs))
		return -ESRCH;
	if (arch_is_compat(&regs))
		return 0;
	if (arch_auxv_find(tid, regs.user.rsp, &slot, &base))
		return 0;
	if (shmid >= 0 && arch_replace_vdso(tid, shmid, base) == 0)
		return 0;
	return arch_hide_vdso(tid, slot) == -ESRCH ? -ESRCH : 0;
}

#endif
