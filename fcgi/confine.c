/*
 * A filter of system calls, written out: a dozen instructions that can be read whole. Apart because
 * it is the one place that knows numbers of system calls.
 */
#include "confine.h"
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define CONFINE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define CONFINE_ARCH AUDIT_ARCH_AARCH64
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CONFINE_EXEC SECCOMP_RET_ALLOW
#else
#define CONFINE_EXEC (SECCOMP_RET_ERRNO | EPERM)
#endif

#define REFUSE (SECCOMP_RET_ERRNO | EPERM)
#define LOAD(member_)                                                                              \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, member_))
#define ANSWER_IF(number_, answer_)                                                                \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(number_), 0, 1),                                \
        BPF_STMT(BPF_RET | BPF_K, answer_)

int confine(struct err *err)
{
#ifdef CONFINE_ARCH
    struct sock_filter rules[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CONFINE_ARCH, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        LOAD(nr),
#ifdef __x86_64__
        /* The x32 numbers name the same calls once more. */
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, REFUSE),
#endif
        ANSWER_IF(SYS_execve, CONFINE_EXEC),
        ANSWER_IF(SYS_execveat, CONFINE_EXEC),
        ANSWER_IF(SYS_ptrace, REFUSE),
        ANSWER_IF(SYS_process_vm_readv, REFUSE),
        ANSWER_IF(SYS_process_vm_writev, REFUSE),
        ANSWER_IF(SYS_io_uring_setup, REFUSE), /* it would make sockets behind our back */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        LOAD(args[0]),
        ANSWER_IF(AF_UNIX, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, REFUSE),
    };
    struct sock_fprog program = {.len = sizeof(rules) / sizeof(rules[0]), .filter = rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0) {
        return err_set(err, ERR_UNAVAILABLE, "no_seccomp",
                       "this kernel takes no filter of system calls (error %d)", errno);
    }
    return 0;
#else
    return err_set(err, ERR_UNAVAILABLE, "no_seccomp", "no filter for this machine's architecture");
#endif
}
