/*
 * Whether a version is well, held against how it was before: programs that answer, tenants that
 * answered, and what `sett doctor` finds. Apart from what leads, which only wants a yes or a cause.
 */
#include "upgrade.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "json_in.h"
#include "restore.h"
#include "str.h"

#define ANSWER_MS    3000
#define ROUND_MS     8000 /* a program may be silent for so long before it counts */
#define TENANT_TURNS 5    /* and a tenant this many seconds */
#define PAGES        10   /* of 100 tenants: enough to see */
#define RESTARTS     2    /* what a start may cost */

/* "worker keys ": what doctor finds broken. 0 or -1. */
static int broken(const struct upgrade *u, char out[512], struct err *err)
{
    struct cJSON *doctor = upgrade_ask(u, NULL, (const char *const[]){"doctor", NULL}, err);
    const struct cJSON *list = json_at(doctor, "checks"), *at = NULL;

    out[0] = '\0';
    if (doctor == NULL)
        return -1;
    while ((at = json_next(list, at)) != NULL)
        if (str_equal(json_text(at, "finding", ""), "broken"))
            (void)str_format(out + strlen(out), 512 - strlen(out), "%.40s ",
                             json_text(at, "name", ""));
    json_free(doctor);
    return 0;
}

/* ---- tenants ---- */

/* Anything at all that begins like an answer. */
static bool answers(uint32_t port)
{
    static const char question[] = "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n";
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    char some[16];
    bool well = false;

    if (fd == -1)
        return false;
    if ((connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS) &&
        poll(&poll_fd, 1, ANSWER_MS) == 1 &&
        send(fd, question, sizeof question - 1, MSG_NOSIGNAL) > 0) {
        poll_fd.events = POLLIN;
        well = poll(&poll_fd, 1, ANSWER_MS) == 1 && recv(fd, some, sizeof some, 0) > 0;
    }
    (void)close(fd);
    return well;
}

static int write_tenants(const struct upgrade *u, struct err *err)
{
    char path[PATHS_SIZE + 64], after[64] = "";
    struct buf ports;
    int rc = 0, pages = 0;
    bool more = true;

    buf_init(&ports, 65536);
    while (rc == 0 && more && pages++ < PAGES) {
        const char *first[] = {"tenant", "list", "--limit", "100", NULL, NULL, NULL};
        const struct cJSON *at = NULL;
        struct cJSON *page;

        if (after[0] != '\0') {
            first[4] = "--starting-after";
            first[5] = after;
        }
        if ((page = upgrade_ask(u, NULL, first, err)) == NULL) {
            rc = -1;
            break;
        }
        while ((at = json_next(json_at(page, "data"), at)) != NULL) {
            int64_t port = json_i64(at, "port", 0);
            (void)str_copy(after, sizeof after, json_text(at, "id", ""));
            if (port > 0 && port < 65536 && answers((uint32_t)port))
                (void)buf_format(&ports, "%lld\n", (long long)port);
        }
        more = json_bool(page, "has_more", false) && after[0] != '\0';
        json_free(page);
    }
    upgrade_file(u, "tenants", path);
    if (rc == 0)
        rc = file_write(path, buf_string(&ports), ports.len, 0644, err);
    buf_free(&ports);
    return rc;
}

struct seen {
    uint16_t port;
    uint8_t silent; /* turns in a row */
};

/* Of those that answered: the list, and its length. */
static size_t read_tenants(const struct upgrade *u, struct seen *out, size_t most)
{
    char path[PATHS_SIZE + 64];
    struct err ignored;
    struct buf text;
    uint64_t port;
    size_t n = 0;

    upgrade_file(u, "tenants", path);
    buf_init(&text, 65536);
    if (file_read(path, &text, &ignored) == 0 && text.len > 0)
        for (char *at = text.data, *end; n < most && (end = strchr(at, '\n')) != NULL;
             at = end + 1) {
            *end = '\0';
            if (str_u64(at, 1, 65535, &port) == 0)
                out[n++] = (struct seen){.port = (uint16_t)port};
        }
    buf_free(&text);
    return n;
}

int upgrade_note_before(struct upgrade *u, struct err *err)
{
    char found[512];

    if (broken(u, found, err) == -1 ||
        upgrade_set(u, UPGRADE_BROKEN, found[0] == '\0' ? "none" : found, err) == -1)
        return -1;
    return write_tenants(u, err);
}

/* ---- afterwards ---- */

int upgrade_well(const struct upgrade *u, struct err *err)
{
    const char *set = conf_get(&u->conf, "upgrade", "wait_s");
    uint64_t wait_s = UPGRADE_KEEP_MS / 1000;

    if (set != NULL && str_u64(set, 1, 3600, &wait_s) == -1)
        return err_set(err, ERR_INVALID, "option_value", "[upgrade] wait_s takes 1 to 3600");
    return restore_healthy(&u->paths, (int)wait_s * 1000, NULL, err);
}

/* A word of ${now} that is not in ${before}. */
static bool new_word(const char *now, const char *before, char out[64])
{
    while (*now != '\0') {
        size_t len = strcspn(now, " ");
        char word[64];

        if (len > 0 && str_copy_n(word, sizeof word, now, len) == 0 &&
            strstr(before, word) == NULL) {
            (void)str_copy(out, 64, word);
            return true;
        }
        now += len + strspn(now + len, " ");
    }
    return false;
}

static int see_doctor(const struct upgrade *u, struct err *err)
{
    char now[512], what[64];

    if (broken(u, now, err) == -1)
        return -1;
    if (!new_word(now, kv_get_or(&u->state, UPGRADE_BROKEN, ""), what))
        return 0;
    return err_set(err, ERR_UNAVAILABLE, "doctor", "sett doctor finds broken what was not: %s",
                   what);
}

static int see_tenants(struct seen *tenants, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        tenants[i].silent = answers(tenants[i].port) ? 0 : (uint8_t)(tenants[i].silent + 1);
        if (tenants[i].silent >= TENANT_TURNS)
            return err_set(err, ERR_UNAVAILABLE, "tenant_silent",
                           "the tenant on port %u does not answer any more", tenants[i].port);
    }
    return 0;
}

int upgrade_watch(const struct upgrade *u, struct err *err)
{
    uint64_t watch_ms = kv_get_u64(&u->state, UPGRADE_WATCH, UPGRADE_KEEP_MS / 1000) * 1000;
    int64_t until_ms = clock_mono_ms() + (int64_t)watch_ms;
    struct seen *tenants = calloc(PAGES * 100, sizeof *tenants);
    uint64_t restarts = upgrade_units_restarts(u);
    size_t count;
    int rc;

    if (tenants == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the watch");
    count = read_tenants(u, tenants, PAGES * 100);
    rc = see_doctor(u, err);
    /* A round waits for the worker's next sign of life, a second at most. */
    while (rc == 0 && clock_mono_ms() < until_ms) {
        rc = restore_healthy(&u->paths, ROUND_MS, NULL, err);
        if (rc == 0)
            rc = see_tenants(tenants, count, err);
        if (rc == 0 && upgrade_units_restarts(u) > restarts + RESTARTS)
            rc = err_set(err, ERR_UNAVAILABLE, "restarts", "a program ends again and again");
    }
    if (rc == 0)
        rc = see_doctor(u, err);
    free(tenants);
    return rc;
}
