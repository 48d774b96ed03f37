/*
 * What a program really connects to, seen from outside of it: preloaded, it keeps a list of every
 * connect() to an address of the internet or a UNIX socket, and lets none of them out: a stand-in's
 * connection goes to a server of the test, all others are refused. Names below ".case" resolve as
 * the test says, each time anew, as a hostile name server would.
 *
 * HOOK_LOG: the list. HOOK_NAMES: a file, a line a name: "name first,second;third": what it
 * resolves to at first, and what from the second time on. HOOK_SERVER: port of the test's server.
 * HOOK_STAND_IN: the address that leads there.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NAMES_MAX 512

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char name[128];
    unsigned asked;
} counts[NAMES_MAX];

static void note(const char *text)
{
    const char *path = getenv("HOOK_LOG");
    int fd = path == NULL ? -1 : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

    if (fd == -1)
        return;
    (void)!write(fd, text, strlen(text));
    (void)close(fd);
}

int connect(int fd, const struct sockaddr *sa, socklen_t len)
{
    int (*real)(int, const struct sockaddr *, socklen_t) =
        (int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "connect");
    const char *stand_in = getenv("HOOK_STAND_IN"), *port = getenv("HOOK_SERVER");
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    char address[INET6_ADDRSTRLEN] = "", line[256];

    (void)len;
    if (sa->sa_family == AF_UNIX) {
        snprintf(line, sizeof line, "unix %s\n", ((const struct sockaddr_un *)sa)->sun_path);
        note(line);
        errno = ECONNREFUSED;
        return -1;
    }
    if (sa->sa_family != AF_INET && sa->sa_family != AF_INET6)
        return real(fd, sa, len);
    if (sa->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)sa)->sin_addr, address, sizeof address);
    else
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)sa)->sin6_addr, address, sizeof address);
    snprintf(line, sizeof line, "ip %s\n", address);
    note(line);
    if (stand_in == NULL || port == NULL || strcmp(address, stand_in) != 0) {
        errno = ECONNREFUSED;
        return -1;
    }
    to.sin_port = htons((unsigned short)strtoul(port, NULL, 10));
    return real(fd, (const struct sockaddr *)&to, sizeof to);
}

/* How often a name was asked before. */
static unsigned asked(const char *name)
{
    unsigned n = 0;

    pthread_mutex_lock(&lock);
    for (int i = 0; i < NAMES_MAX; i++) {
        if (counts[i].name[0] == '\0')
            snprintf(counts[i].name, sizeof counts[i].name, "%s", name);
        if (strcasecmp(counts[i].name, name) == 0) {
            n = counts[i].asked++;
            break;
        }
    }
    pthread_mutex_unlock(&lock);
    return n;
}

/* The addresses of a name, with commas, at this asking. 0 if the test knows none. */
static int addresses(const char *name, char *out, size_t size)
{
    const char *path = getenv("HOOK_NAMES");
    FILE *f = path == NULL ? NULL : fopen(path, "re");
    char line[1024], known[128], rest[800];
    int found = 0;

    while (f != NULL && !found && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "%127s %799s", known, rest) == 2 && strcasecmp(known, name) == 0) {
            char *later = strchr(rest, ';');
            unsigned n = asked(name);
            if (later != NULL)
                *later++ = '\0';
            snprintf(out, size, "%s", n > 0 && later != NULL ? later : rest);
            found = 1;
        }
    if (f != NULL)
        fclose(f);
    return found;
}

typedef int resolver(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **res)
{
    resolver *real = (resolver *)dlsym(RTLD_NEXT, "getaddrinfo");
    struct addrinfo numeric = {0}, *first = NULL, **end = &first;
    char list[800], *at = list, *one, *rest = NULL;

    if (hints != NULL)
        numeric = *hints;
    numeric.ai_flags = AI_NUMERICHOST;
    if (node == NULL || real(node, service, &numeric, res) == 0)
        return node == NULL ? EAI_NONAME : 0;
    if (!addresses(node, list, sizeof list))
        return EAI_NONAME;
    for (; (one = strtok_r(at, ",", &rest)) != NULL; at = NULL) {
        if (real(one, service, &numeric, end) != 0)
            continue; /* of the family that is not asked for */
        while (*end != NULL)
            end = &(*end)->ai_next;
    }
    *res = first;
    return first == NULL ? EAI_NONAME : 0;
}
