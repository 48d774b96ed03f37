/*
 * watch FILE PROGRAM [ARGUMENT...]: run PROGRAM and note in FILE the arguments of each execve(2)
 * that it or a child of its own makes before it has become something else, a line each, arguments
 * apart by tabs. By seccomp's notifications: the kernel holds the call until it was read, so none
 * is missed and no thread is slowed down otherwise. What the programs that were started do
 * themselves is not noted. Ends with PROGRAM's end and its code.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS    120
#define WORD_MAX 4096

static int filter_install(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execveat, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof rules / sizeof rules[0], rules};

    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
                        &program);
}

static void pass(int to, int fd)
{
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof fd)];
    } control;
    struct iovec byte = {(char[]){'x'}, 1};
    struct msghdr m = {.msg_iov = &byte,
                       .msg_iovlen = 1,
                       .msg_control = control.space,
                       .msg_controllen = sizeof control.space};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    if (sendmsg(to, &m, 0) != 1)
        _exit(125);
}

static int take(int from)
{
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    char byte;
    struct iovec room = {&byte, 1};
    struct msghdr m = {.msg_iov = &room,
                       .msg_iovlen = 1,
                       .msg_control = control.space,
                       .msg_controllen = sizeof control.space};
    struct cmsghdr *c;
    int fd = -1;

    if (recvmsg(from, &m, 0) != 1 || (c = CMSG_FIRSTHDR(&m)) == NULL)
        exit(125);
    memcpy(&fd, CMSG_DATA(c), sizeof fd);
    return fd;
}

static ssize_t peek(pid_t pid, uint64_t at, void *out, size_t size)
{
    struct iovec here = {out, size}, there = {(void *)(uintptr_t)at, size};

    return process_vm_readv(pid, &here, 1, &there, 1, 0);
}

/* A string of another process, page by page: the next one may not be there. */
static void peek_text(pid_t pid, uint64_t at, char *out)
{
    size_t n = 0;

    while (n < WORD_MAX - 1) {
        size_t part = 4096 - (size_t)((at + n) % 4096);
        if (part > WORD_MAX - 1 - n)
            part = WORD_MAX - 1 - n;
        if (peek(pid, at + n, out + n, part) <= 0)
            break;
        if (memchr(out + n, '\0', part) != NULL)
            return;
        n += part;
    }
    out[n] = '\0';
}

static int of_program(pid_t pid, const char *program)
{
    char link[64], path[4096];
    ssize_t n;

    (void)snprintf(link, sizeof link, "/proc/%d/exe", (int)pid);
    n = readlink(link, path, sizeof path - 1);
    if (n <= 0)
        return 0;
    path[n] = '\0';
    return strcmp(path, program) == 0;
}

static void note(FILE *out, const struct seccomp_notif *call)
{
    unsigned at = call->data.nr == SYS_execve ? 1 : 2;
    char text[WORD_MAX];
    uint64_t word;

    for (unsigned i = 0; i < WORDS; i++) {
        if (peek((pid_t)call->pid, call->data.args[at] + i * sizeof word, &word, sizeof word) !=
                sizeof word ||
            word == 0)
            break;
        peek_text((pid_t)call->pid, word, text);
        for (char *c = text; *c != '\0'; c++)
            if ((unsigned char)*c < 0x20)
                *c = '?';
        (void)fprintf(out, "%s%s", i == 0 ? "" : "\t", text);
    }
    (void)fputc('\n', out);
    (void)fflush(out);
}

int main(int argc, char **argv)
{
    int ends[2], listener, status = 0, first = 1;
    struct pollfd at;
    FILE *out;
    pid_t pid;

    if (argc < 3 || (out = fopen(argv[1], "ae")) == NULL ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
        return 125;
    if ((pid = fork()) == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        listener = filter_install();
        if (listener == -1)
            _exit(125);
        pass(ends[1], listener);
        (void)close(listener);
        (void)execv(argv[2], argv + 2);
        _exit(127);
    }
    (void)signal(SIGTERM, SIG_IGN); /* it is for the program, whose process group is ours */
    (void)signal(SIGINT, SIG_IGN);
    listener = take(ends[0]);
    at = (struct pollfd){.fd = listener, .events = POLLIN};
    for (;;) {
        struct seccomp_notif call;
        struct seccomp_notif_resp answer;
        if (waitpid(pid, &status, WNOHANG) == pid)
            break;
        if (poll(&at, 1, 200) != 1 || (at.revents & POLLIN) == 0)
            continue;
        memset(&call, 0, sizeof call);
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) == -1)
            continue;
        if (first) /* the program itself */
            first = 0;
        else if (of_program((pid_t)call.pid, argv[2]))
            note(out, &call);
        answer =
            (struct seccomp_notif_resp){.id = call.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
        (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
    }
    /* What was started runs on, and its calls with it: nobody answers them now. */
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
