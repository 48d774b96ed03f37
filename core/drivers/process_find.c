/* Reading /proc. Apart because its formats are the kernel's (proc(5)), and every one of them is
 * parsed here only. */
#include "process_find.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "str.h"

#define ENVIRONMENT_MAX  (128u * 1024u)
#define SOCKET_TABLE_MAX (64u * 1024u * 1024u)

/* A small file of /proc, whole. Return its length or -1. */
static ssize_t read_small(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd == -1)
        return -1;
    do
        got = read(fd, out, size - 1);
    while (got == -1 && errno == EINTR);
    (void)close(fd);
    if (got >= 0)
        out[got] = '\0';
    return got;
}

/* The fields after the name, which may itself hold blanks and parentheses: state is field 3. */
static int parse_stat(char *text, struct process_seen *out)
{
    char *open_paren = strchr(text, '('), *close_paren = strrchr(text, ')'), *save = NULL;
    uint64_t n[25] = {0};
    int field = 3;

    if (open_paren == NULL || close_paren == NULL || close_paren < open_paren)
        return -1;
    *close_paren = '\0';
    (void)snprintf(out->name, sizeof out->name, "%s", open_paren + 1);
    for (char *word = strtok_r(close_paren + 1, " \n", &save); word != NULL && field <= 24;
         word = strtok_r(NULL, " \n", &save), field++) {
        if (field == 3)
            out->state = word[0];
        else
            n[field] = strtoull(word, NULL, 10);
    }
    if (field <= 24)
        return -1;
    out->group = (pid_t)n[5];
    out->session = (pid_t)n[6];
    out->cpu_ticks = n[14] + n[15];
    out->start = n[22];
    out->resident_pages = n[24];
    return 0;
}

int process_see(pid_t pid, struct process_seen *out)
{
    char path[48], text[1024];

    memset(out, 0, sizeof *out);
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (read_small(path, text, sizeof text) <= 0)
        return -1;
    out->pid = pid;
    return parse_stat(text, out);
}

int process_boot(char out[PROCESS_BOOT_SIZE])
{
    ssize_t len = read_small("/proc/sys/kernel/random/boot_id", out, PROCESS_BOOT_SIZE);

    if (len <= 0)
        return -1;
    out[strcspn(out, "\n")] = '\0';
    return 0;
}

static pid_t pid_of(const char *name)
{
    uint64_t n;

    return str_u64(name, 1, INT32_MAX, &n) == -1 ? 0 : (pid_t)n;
}

int process_all(int (*on_process)(void *arg, const struct process_seen *seen), void *arg)
{
    DIR *folder = opendir("/proc");
    struct process_seen seen;
    struct dirent *entry;
    int result = 0;

    if (folder == NULL)
        return -1;
    while (result == 0 && (entry = readdir(folder)) != NULL) {
        pid_t pid = pid_of(entry->d_name);
        if (pid != 0 && process_see(pid, &seen) == 0)
            result = on_process(arg, &seen);
    }
    (void)closedir(folder);
    return result;
}

int process_environment(pid_t pid, const char *name, char *out, size_t size)
{
    size_t len = strlen(name);
    struct buf b;
    char path[48];
    int result = -1;

    (void)snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    buf_init(&b, ENVIRONMENT_MAX);
    if (file_read(path, &b, NULL) == 0) {
        for (size_t at = 0; at < b.len; at += strlen(b.data + at) + 1) {
            const char *pair = b.data + at;
            if (strncmp(pair, name, len) != 0 || pair[len] != '=')
                continue;
            result = str_copy(out, size, pair + len + 1);
            break;
        }
    }
    buf_free(&b);
    return result;
}

/* Call for each socket that listens, of one table of /proc/net. Return 0, or -1: not readable. */
static int each_listener(const char *path, void (*on)(void *arg, uint32_t port, uint64_t inode),
                         void *arg)
{
    struct buf b;
    char *save = NULL;
    int result;

    buf_init(&b, SOCKET_TABLE_MAX);
    result = file_read(path, &b, NULL);
    if (result == 0 && b.len > 0) {
        for (char *line = strtok_r(b.data, "\n", &save); line != NULL;
             line = strtok_r(NULL, "\n", &save)) {
            unsigned here, state;
            unsigned long long node;
            /* NOLINTNEXTLINE(cert-err34-c): the kernel writes what fits */
            if (sscanf(line, " %*u: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*s %*s %llu",
                       &here, &state, &node) == 3 &&
                state == 0x0a)
                on(arg, here, node);
        }
    }
    buf_free(&b);
    return result;
}

struct wanted {
    uint32_t port;
    uint64_t inode; /* 0: none yet */
};

static void take_wanted(void *arg, uint32_t port, uint64_t inode)
{
    struct wanted *w = arg;

    if (w->inode == 0 && port == w->port)
        w->inode = inode;
}

static void take_any(void *arg, uint32_t port, uint64_t inode)
{
    uint8_t *set = arg;

    (void)inode;
    if (port < 65536)
        set[port / 8] |= (uint8_t)(1u << port % 8);
}

int process_listening(uint8_t set[PROCESS_PORT_BYTES])
{
    memset(set, 0, PROCESS_PORT_BYTES);
    if (each_listener("/proc/self/net/tcp", take_any, set) == -1)
        return -1;
    (void)each_listener("/proc/self/net/tcp6", take_any, set); /* there may be no IPv6 */
    return 0;
}

struct search {
    char link[48]; /* "socket:[123]" */
    struct process_seen *out;
};

static int holds_socket(void *arg, const struct process_seen *seen)
{
    struct search *s = arg;
    char path[300], link[64];
    struct dirent *entry;
    DIR *folder;
    int found = 0;

    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)seen->pid);
    if ((folder = opendir(path)) == NULL)
        return 0;
    while (found == 0 && (entry = readdir(folder)) != NULL) {
        ssize_t len = readlinkat(dirfd(folder), entry->d_name, link, sizeof link - 1);
        if (len <= 0)
            continue;
        link[len] = '\0';
        found = str_equal(link, s->link);
    }
    (void)closedir(folder);
    if (found != 0)
        *s->out = *seen;
    return found;
}

int process_port_owner(uint32_t port, struct process_seen *out)
{
    struct wanted w = {.port = port};
    struct search s = {.out = out};
    int read = each_listener("/proc/net/tcp", take_wanted, &w);

    memset(out, 0, sizeof *out);
    if (w.inode == 0)
        (void)each_listener("/proc/net/tcp6", take_wanted, &w);
    if (w.inode == 0)
        return read;
    (void)snprintf(s.link, sizeof s.link, "socket:[%llu]", (unsigned long long)w.inode);
    (void)process_all(holds_socket, &s);
    return 1;
}
