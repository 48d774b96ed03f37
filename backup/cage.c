/*
 * The cage of whoever unpacks: rights, Landlock, a network of its own with nothing in it,
 * and a filter of system calls. Apart from the unpacking, because it must be right even where that
 * is wrong. The filter has a list of what unpacking needs; anything else is refused, so that a C
 * library that tries something new goes on without it, and what only an intruder would try ends
 * the process.
 */
#include "cage.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILES_OPEN 256

/* ---- system calls ---- */

#if defined __x86_64__
#define ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define ARCH AUDIT_ARCH_AARCH64
#elif defined __riscv
#define ARCH AUDIT_ARCH_RISCV64
#endif

#ifdef ARCH

static const int needed[] = {
    /* files that are open, and below the folder */
    __NR_read, __NR_write, __NR_readv, __NR_writev, __NR_pread64, __NR_pwrite64, __NR_lseek,
    __NR_close, __NR_fstat, __NR_newfstatat, __NR_statx, __NR_openat, __NR_openat2, __NR_fcntl,
    __NR_dup, __NR_ftruncate, __NR_fchmod, __NR_fchmodat, __NR_fchown, __NR_fchownat,
    __NR_utimensat, __NR_mkdirat, __NR_unlinkat, __NR_linkat, __NR_symlinkat, __NR_readlinkat,
    __NR_getdents64, __NR_faccessat, __NR_faccessat2, __NR_fsync, __NR_fdatasync, __NR_syncfs,
    __NR_fstatfs, __NR_statfs, __NR_fadvise64,
    /* memory, threads, time */
    __NR_munmap, __NR_mremap, __NR_madvise, __NR_brk, __NR_futex, __NR_set_robust_list, __NR_rseq,
    __NR_rt_sigaction, __NR_rt_sigprocmask, __NR_rt_sigreturn, __NR_sigaltstack, __NR_gettid,
    __NR_getpid, __NR_getuid, __NR_geteuid, __NR_getgid, __NR_getegid, __NR_exit, __NR_exit_group,
    __NR_restart_syscall, __NR_clock_gettime, __NR_clock_nanosleep, __NR_nanosleep,
    __NR_sched_yield, __NR_sched_getaffinity, __NR_getrandom, __NR_sysinfo, __NR_uname};

static const int deadly[] = {
#ifdef __NR_fork
    __NR_fork,
    __NR_vfork,
    __NR_mknod,
    __NR_modify_ldt,
    __NR_iopl,
    __NR_ioperm,
#endif
    __NR_execve,
    __NR_execveat,
    __NR_socket,
    __NR_socketpair,
    __NR_connect,
    __NR_bind,
    __NR_listen,
    __NR_accept,
    __NR_accept4,
    __NR_sendmsg,
    __NR_ptrace,
    __NR_process_vm_readv,
    __NR_process_vm_writev,
    __NR_pidfd_open,
    __NR_pidfd_getfd,
    __NR_kill,
    __NR_mknodat,
    __NR_mount,
    __NR_umount2,
    __NR_pivot_root,
    __NR_chroot,
    __NR_setns,
    __NR_unshare,
    __NR_open_by_handle_at,
    __NR_bpf,
    __NR_perf_event_open,
    __NR_userfaultfd,
    __NR_io_uring_setup,
    __NR_keyctl,
    __NR_add_key,
    __NR_request_key,
    __NR_init_module,
    __NR_finit_module,
    __NR_delete_module,
    __NR_kexec_load,
    __NR_reboot,
    __NR_swapon,
    __NR_swapoff,
    __NR_acct,
    __NR_settimeofday,
    __NR_clock_settime,
    __NR_sethostname,
    __NR_personality,
    __NR_setuid,
    __NR_setresuid,
    __NR_setgid,
    __NR_setresgid,
    __NR_setgroups,
    __NR_capset};

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define ROOM        (2 * COUNT(needed) + 2 * COUNT(deadly) + 64)

struct program {
    unsigned short count;
    struct sock_filter at[ROOM];
};

static void add(struct program *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
    p->at[p->count++] = (struct sock_filter){code, yes, no, k};
}

static void load(struct program *p, size_t offset)
{
    add(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* The number that is loaded being ${number}, this is what comes of it. */
static void when(struct program *p, int number, uint32_t verdict)
{
    add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1);
    add(p, BPF_RET | BPF_K, verdict, 0, 0);
}

/* The call ${number}: ${yes} if its argument has one of ${bits}, else ${no}. */
static void when_bits(struct program *p, int number, unsigned argument, uint32_t bits, uint32_t yes,
                      uint32_t no)
{
    add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 4);
    load(p, offsetof(struct seccomp_data, args) + 8 * argument);
    add(p, BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
    add(p, BPF_RET | BPF_K, yes, 0, 0);
    add(p, BPF_RET | BPF_K, no, 0, 0);
}

static int filter(struct err *err)
{
    const uint32_t die = SECCOMP_RET_KILL_PROCESS, fine = SECCOMP_RET_ALLOW,
                   refuse = SECCOMP_RET_ERRNO | EPERM;
    struct program p = {0};
    struct sock_fprog prog;

    load(&p, offsetof(struct seccomp_data, arch));
    add(&p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
    add(&p, BPF_RET | BPF_K, die, 0, 0);
    load(&p, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
    add(&p, BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1); /* the calls of x32 */
    add(&p, BPF_RET | BPF_K, die, 0, 0);
#endif
    for (size_t i = 0; i < COUNT(needed); i++)
        when(&p, needed[i], fine);
    for (size_t i = 0; i < COUNT(deadly); i++)
        when(&p, deadly[i], die);
    /* Threads, and no processes; clone3 hides its flags, and the C library can do without it. */
    when(&p, __NR_clone3, SECCOMP_RET_ERRNO | ENOSYS);
    when_bits(&p, __NR_clone, 0, CLONE_THREAD, fine, die);
    when_bits(&p, __NR_mmap, 2, PROT_EXEC, refuse, fine);
    when_bits(&p, __NR_mprotect, 2, PROT_EXEC, refuse, fine);
    /* Whether it is a terminal and how wide; others put words into its keyboard. */
    add(&p, BPF_JMP | BPF_JEQ | BPF_K, __NR_ioctl, 0, 5);
    load(&p, offsetof(struct seccomp_data, args) + 8);
    add(&p, BPF_JMP | BPF_JEQ | BPF_K, TCGETS, 1, 0);
    add(&p, BPF_JMP | BPF_JEQ | BPF_K, TIOCGWINSZ, 0, 1);
    add(&p, BPF_RET | BPF_K, fine, 0, 0);
    add(&p, BPF_RET | BPF_K, refuse, 0, 0);
    /* A signal to itself, which is how a program aborts. */
    add(&p, BPF_JMP | BPF_JEQ | BPF_K, __NR_tgkill, 0, 4);
    load(&p, offsetof(struct seccomp_data, args));
    add(&p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)getpid(), 0, 1);
    add(&p, BPF_RET | BPF_K, fine, 0, 0);
    add(&p, BPF_RET | BPF_K, die, 0, 0);
    add(&p, BPF_RET | BPF_K, refuse, 0, 0);
    prog = (struct sock_fprog){p.count, p.at};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) == 0 || errno == EINVAL)
        return 0; /* EINVAL: a kernel without it */
    return err_sys(err, "seccomp", errno, "the filter of system calls");
}

#else
static int filter(struct err *err)
{
    (void)err;
    return 0;
}
#endif

/* ---- files ---- */

static int may_use(int rules, const char *folder, uint64_t access, struct err *err)
{
    struct landlock_path_beneath_attr beneath = {.allowed_access = access};
    int rc;

    if (folder == NULL)
        return 0;
    beneath.parent_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    rc = beneath.parent_fd == -1 || syscall(SYS_landlock_add_rule, rules,
                                            LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == -1
             ? err_sys(err, "landlock", errno, folder)
             : 0;
    if (beneath.parent_fd != -1)
        (void)close(beneath.parent_fd);
    return rc;
}

static int landlock(const struct cage *c, struct err *err)
{
    uint64_t access = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
                      LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                      LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                      LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SYM;
    struct landlock_ruleset_attr rules = {
        .handled_access_fs = access | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                             LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                             LANDLOCK_ACCESS_FS_MAKE_BLOCK};
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    int fd, rc;

    if (version < 1)
        return 0;       /* a kernel without it: the other walls stand */
    if (version >= 2) { /* linking from one folder to another, which is all within the staging */
        rules.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
        access |= LANDLOCK_ACCESS_FS_REFER;
    }
    if ((fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0)) == -1)
        return err_sys(err, "landlock", errno, "the rules of the child");
    rc = may_use(fd, c->folder, access, err) == -1 || may_use(fd, c->scratch, access, err) == -1
             ? -1
             : 0;
    if (rc == 0 && syscall(SYS_landlock_restrict_self, fd, 0) == -1)
        rc = err_sys(err, "landlock", errno, "the rules of the child");
    (void)close(fd);
    return rc;
}

/* ---- rights ---- */

/* Root's rights but those that give files their owners and modes. */
static int keep_three(struct err *err)
{
    const uint32_t three = 1u << CAP_CHOWN | 1u << CAP_FOWNER | 1u << CAP_DAC_OVERRIDE;
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[2] = {{.effective = three, .permitted = three}};

    return syscall(SYS_capset, &head, caps) == 0
               ? 0
               : err_sys(err, "capabilities", errno, "the child's rights");
}

static int become(const char *name, struct err *err)
{
    const struct passwd *user;

    if (geteuid() != 0)
        return 0;
    user = name == NULL ? NULL : getpwnam(name);
    (void)unshare(CLONE_NEWNET); /* where that may not be, the filter stands */
    if (user != NULL && (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1 || setgroups(0, NULL) == -1 ||
                         setresgid(user->pw_gid, user->pw_gid, user->pw_gid) == -1 ||
                         setresuid(user->pw_uid, user->pw_uid, user->pw_uid) == -1))
        return err_sys(err, "become", errno, name);
    return keep_three(err);
}

int cage_enter(const struct cage *c, struct err *err)
{
    struct rlimit none = {0, 0}, files = {FILES_OPEN, FILES_OPEN};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
        return err_sys(err, "no_new_privs", errno, "the child");
    if (become(c->user, err) == -1 || landlock(c, err) == -1)
        return -1;
    /* Forgotten when a process becomes another user, so not before. */
    if (c->child)
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return filter(err);
}

#ifdef __SANITIZE_ADDRESS__
/** __lsan_is_turned_off(): asked at the end by the search for leaks, which would start a process
 * to look into this one. */
int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
    return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0;
}
#endif
