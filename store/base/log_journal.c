/*
 * Writing to systemd's journal. Apart from log.c, which decides what is said: here is how it is
 * packed and where it goes.
 */
#include "log_journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "str.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

bool journal_here(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char mine[64];
    struct stat st;

    if (stream == NULL || fstat(STDERR_FILENO, &st) == -1)
        return false;
    (void)str_format(mine, sizeof mine, "%llu:%llu", (unsigned long long)st.st_dev,
                     (unsigned long long)st.st_ino);
    return str_equal(stream, mine);
}

void journal_add(struct journal_entry *e, const char *name, const char *value)
{
    size_t n = strlen(name), v = strlen(value);

    if (v == 0)
        return;
    if (n + v + 2 > sizeof e->data - e->len) {
        e->full = true;
        return;
    }
    memcpy(e->data + e->len, name, n);
    e->len += n;
    e->data[e->len++] = '=';
    for (size_t i = 0; i < v; i++)
        e->data[e->len++] = value[i] == '\n' ? ' ' : value[i];
    e->data[e->len++] = '\n';
}

int journal_open(void)
{
    return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

int journal_send(int fd, const struct journal_entry *e)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    ssize_t sent;

    if (fd == -1 || str_copy(to.sun_path, sizeof to.sun_path, JOURNAL_SOCKET) == -1)
        return -1;
    do
        sent = sendto(fd, e->data, e->len, MSG_NOSIGNAL | MSG_DONTWAIT,
                      (const struct sockaddr *)&to, (socklen_t)sizeof to);
    while (sent == -1 && errno == EINTR);
    return sent == (ssize_t)e->len ? 0 : -1;
}
