/* The cage of the child that unpacks: what unpacking needs goes on, and whatever an intruder would
 * want is refused or is the end of the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cage.h"
#include "file.h"
#include "str.h"

static char folder[64];
static int inherited; /* a descriptor that leads out */

/* Each returns whether it got what it wanted. */
static bool program(void)
{
    char *argv[] = {(char *)(uintptr_t) "/bin/true", NULL};

    (void)execve(argv[0], argv, argv + 1);
    return false; /* still here */
}

static bool process(void)
{
    return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) != -1;
}

static bool process_3(void)
{
    uint64_t args[8] = {0, 0, 0, 0, SIGCHLD};

    return syscall(SYS_clone3, args, sizeof args) != -1;
}

static bool internet(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) != -1;
}

static bool unix_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0) != -1;
}

static bool trace(void)
{
    return syscall(SYS_ptrace, 16, getppid(), 0, 0) != -1;
}

static bool memory_of(void)
{
    return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0) != -1;
}

static bool signal_to(void)
{
    return kill(getppid(), 0) == 0;
}

static bool thread_signal_to(void)
{
    return syscall(SYS_tgkill, getppid(), getppid(), 0) == 0;
}

static bool read_outside(void)
{
    return open("/etc/passwd", O_RDONLY) != -1;
}

static bool write_outside(void)
{
    return open("/tmp/sett-cage-escaped", O_WRONLY | O_CREAT, 0600) != -1;
}

static bool read_proc(void)
{
    return open("/proc/self/environ", O_RDONLY) != -1;
}

static bool through_a_descriptor(void)
{
    return openat(inherited, "sett-cage-escaped", O_WRONLY | O_CREAT, 0600) != -1;
}

static bool rename_out(void)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY);

    (void)close(openat(fd, "mine", O_WRONLY | O_CREAT, 0600));
    return syscall(SYS_renameat2, fd, "mine", AT_FDCWD, "/tmp/sett-cage-escaped", 0) == 0;
}

static bool device(void)
{
    return syscall(SYS_mknodat, AT_FDCWD, folder, S_IFCHR | 0600, 0x103) != -1;
}

static bool code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                0) != MAP_FAILED;
}

static bool code_later(void)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return mprotect(at, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool name_space(void)
{
    return syscall(SYS_unshare, 0x10000000) == 0;
}

static bool be_root(void)
{
    return syscall(SYS_setresuid, 0, 0, 0) == 0;
}

static bool rights(void)
{
    uint32_t head[2] = {0x20080522, 0}, caps[6] = {0};

    return syscall(SYS_capset, head, caps) == 0;
}

static bool ring(void)
{
    char params[120] = "";

    return syscall(SYS_io_uring_setup, 1, params) != -1;
}

static bool keyboard(void)
{
    return ioctl(0, TIOCSTI, "x") == 0 || errno != EPERM;
}

static bool core(void)
{
    struct rlimit limit = {1, 1};

    return setrlimit(RLIMIT_CORE, &limit) == 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0;
}

#ifdef __x86_64__
static bool x32(void)
{
    return syscall(0x40000000 | SYS_getpid) != -1;
}
#endif

static const struct {
    const char *what;
    bool (*wants)(void);
    bool deadly;
} intrusions[] = {
    {"a program", program, true},
    {"a process", process, true},
    {"a process by clone3", process_3, false},
    {"the network", internet, true},
    {"a socket of this machine", unix_socket, true},
    {"to trace", trace, true},
    {"another's memory", memory_of, true},
    {"to signal", signal_to, true},
    {"to signal a thread", thread_signal_to, true},
    {"to read outside", read_outside, false},
    {"to write outside", write_outside, false},
    {"its own environment", read_proc, false},
    {"to write by a descriptor that leads out", through_a_descriptor, false},
    {"to move a file out", rename_out, false},
    {"a device", device, true},
    {"memory to execute", code, false},
    {"to execute memory", code_later, false},
    {"a name space", name_space, true},
    {"another user", be_root, true},
    {"rights", rights, true},
    {"a ring of calls", ring, true},
    {"words in a keyboard", keyboard, false},
    {"a core", core, false},
#ifdef __x86_64__
    {"the calls of x32", x32, true},
#endif
};

static int in_cage(bool (*wants)(void))
{
    pid_t pid = fork();
    struct err err = {0};
    int status;

    assert_int_not_equal(pid, -1);
    if (pid == 0) {
        (void)signal(SIGSYS, SIG_DFL);
        if (cage_enter(&(struct cage){.folder = folder, .child = true}, &err) == -1)
            _exit(99);
        _exit(wants() ? 1 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void test_intrusions(void **state)
{
    (void)state;
    inherited = open("/tmp", O_RDONLY | O_DIRECTORY);
    for (size_t i = 0; i < sizeof intrusions / sizeof intrusions[0]; i++) {
        int status = in_cage(intrusions[i].wants);
        bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;

        if (intrusions[i].deadly ? !killed : !WIFEXITED(status) || WEXITSTATUS(status) != 0)
            fail_msg("%s: status %x", intrusions[i].what, (unsigned)status);
    }
    assert_false(file_exists("/tmp/sett-cage-escaped"));
    (void)close(inherited);
}

static void *thread_main(void *arg)
{
    *(int *)arg = 7;
    return NULL;
}

static bool write_it(void)
{
    pthread_t thread;
    char *large = malloc(8u << 20);
    int fd, dir, seven = 0;

    dir = open(folder, O_RDONLY | O_DIRECTORY);
    if (dir == -1 || large == NULL || pthread_create(&thread, NULL, thread_main, &seven) != 0 ||
        pthread_join(thread, NULL) != 0 || seven != 7)
        return false;
    memset(large, 1, 8u << 20);
    fd = openat(dir, "a", O_WRONLY | O_CREAT | O_EXCL, 0600);
    return fd != -1 && file_write_all(fd, large, 8u << 20) == 0 && fchmod(fd, 0640) == 0 &&
           fsync(fd) == 0 && mkdirat(dir, "b", 0700) == 0 && linkat(dir, "a", dir, "b/c", 0) == 0 &&
           symlinkat("/etc/passwd", dir, "l") == 0 && unlinkat(dir, "l", 0) == 0 &&
           open(folder, O_TMPFILE | O_RDWR, 0600) != -1;
}

static void test_work(void **state)
{
    int status = in_cage(write_it);

    (void)state;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1); /* it got what it wanted */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_intrusions),
                                       cmocka_unit_test(test_work)};
    int failed;

    (void)str_copy(folder, sizeof folder, "/tmp/sett-cage-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)file_remove_tree(folder, NULL);
    return failed;
}
