/*
 * The verbs about the link to an engine on another machine: an ssh of its own, supervised, that
 * brings the engine's socket and its tenants' ports here. Apart from connectors, which it
 * resembles, because here what runs is a program with very many options: all that it may do stands
 * in one text below, and only names, numbers and keys of a checked form go into it.
 *
 * Five files each in hands/links: N.base (the options without ports), N.ports (a port each line),
 * N.conf (both, which ssh reads), N.key and N.known. That N.conf is there means that it should run.
 * Ports come and go without a new connection, over ssh's own control socket.
 */
#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crash.h"
#include "enc.h"
#include "file.h"
#include "hands_link.h"
#include "hands_world.h"
#include "log.h"
#include "process_launch.h"
#include "ssh_key.h"
#include "str.h"

#define SSH       "/usr/bin/ssh"
#define ALIAS     "sett-engine"
#define ASK_S     15
#define PORTS_MAX 65536u
#define CONF_MAX  (PORTS_MAX * 12)

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

struct link {
    char base[300], ports[300], conf[300], key[300], known[300];
    char folder[200]; /* of its sockets */
    struct supervisor_unit unit;
};

/* What a start says. */
struct terms {
    char user[64], host[200], port[8];
    const char *socket, *host_key;
    uint8_t seed[SSH_KEY_SEED];
};

int hands_link_folder(const struct paths *paths, uint64_t number, char *out, size_t size)
{
    unsigned long long n = number;

    return paths->root[0] != '\0' ? str_format(out, size, "%s/links/%llu", paths->run, n)
                                  : str_format(out, size, "/run/sett-engine/%llu", n);
}

static int take(const struct hands_world *w, uint64_t number, struct link *l, struct err *err)
{
    const char *hands = w->paths->hands;
    unsigned long long n = number;
    char known[320];
    const char *const argv[] = {SSH, "-F", l->conf, "-i", l->key, "-o", known, "-N", ALIAS, NULL};

    memset(l, 0, sizeof *l);
    (void)str_format(l->unit.name, sizeof l->unit.name, "sett-engine@%llu", n);
    if (hands_link_folder(w->paths, number, l->folder, sizeof l->folder) == -1 ||
        str_format(l->base, sizeof l->base, "%s/links/%llu.base", hands, n) == -1 ||
        str_format(l->ports, sizeof l->ports, "%s/links/%llu.ports", hands, n) == -1 ||
        str_format(l->conf, sizeof l->conf, "%s/links/%llu.conf", hands, n) == -1 ||
        str_format(l->key, sizeof l->key, "%s/links/%llu.key", hands, n) == -1 ||
        str_format(l->known, sizeof l->known, "%s/links/%llu.known", hands, n) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", hands);
    (void)str_format(known, sizeof known, "UserKnownHostsFile=%s", l->known);
    for (size_t i = 0; argv[i] != NULL; i++)
        if (str_copy(l->unit.argv[i], sizeof l->unit.argv[i], argv[i]) == -1)
            return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", argv[i]);
    return 0;
}

/* ---- what ssh goes by ---- */

static int bad_terms(struct err *err, const char *what)
{
    return err_set(err, ERR_INVALID, "link_refused", "a link whose %s is not acceptable", what);
}

static bool plain(const char *s, const char *others)
{
    size_t len = strspn(s, LETTERS);

    while (s[len] != '\0' && strchr(others, s[len]) != NULL)
        len += 1 + strspn(s + len + 1, LETTERS);
    return s[0] != '\0' && s[0] != '-' && s[len] == '\0';
}

/* "user@host:port", a socket's path, the key to expect, the seed of ours. */
static int read_terms(const struct hands_request *q, struct terms *t, struct err *err)
{
    const char *sign = strchr(q->service, '@'), *colon = strrchr(q->service, ':');
    uint64_t port;
    size_t len;

    memset(t, 0, sizeof *t);
    t->socket = kv_get_or(&q->env, "SOCKET", "");
    t->host_key = kv_get_or(&q->env, "HOST_KEY", "");
    if (sign == NULL || colon == NULL || colon < sign ||
        str_copy_n(t->user, sizeof t->user, q->service, (size_t)(sign - q->service)) == -1 ||
        str_copy_n(t->host, sizeof t->host, sign + 1, (size_t)(colon - sign - 1)) == -1 ||
        str_copy(t->port, sizeof t->port, colon + 1) == -1 || !plain(t->user, "._-") ||
        !plain(t->host, ".-") || str_u64(t->port, 1, 65535, &port) == -1)
        return bad_terms(err, "address");
    if (t->socket[0] != '/' || !plain(t->socket + 1, "/._-") || strstr(t->socket, "/..") != NULL)
        return bad_terms(err, "socket");
    if (!ssh_key_line(t->host_key))
        return bad_terms(err, "host key");
    if (sodium_base642bin(t->seed, sizeof t->seed, q->secret, strlen(q->secret), NULL, &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        len != sizeof t->seed)
        return bad_terms(err, "key");
    return 0;
}

/* All that this ssh may do. It runs nothing over there: both forwards are the server's own doing.
 */
static void write_base(struct buf *out, const struct terms *t, const char *folder)
{
    (void)buf_format(out, "Host " ALIAS "\n  HostName %s\n  User %s\n  Port %s\n", t->host, t->user,
                     t->port);
    (void)buf_text(out, "  HostKeyAlias " ALIAS "\n"
                        "  StrictHostKeyChecking yes\n"
                        "  GlobalKnownHostsFile /dev/null\n"
                        "  UpdateHostKeys no\n"
                        "  BatchMode yes\n"
                        "  IdentitiesOnly yes\n"
                        "  IdentityAgent none\n"
                        "  PreferredAuthentications publickey\n"
                        "  ForwardAgent no\n"
                        "  ForwardX11 no\n"
                        "  PermitLocalCommand no\n"
                        "  RequestTTY no\n"
                        "  ConnectTimeout 10\n"
                        "  ServerAliveInterval 15\n"
                        "  ServerAliveCountMax 3\n"
                        "  ExitOnForwardFailure no\n"
                        "  StreamLocalBindMask 0117\n"
                        "  StreamLocalBindUnlink yes\n"
                        "  ControlMaster yes\n"
                        "  ControlPersist no\n");
    (void)buf_format(out, "  ControlPath %s/ctl\n  LocalForward %s/" HANDS_LINK_SOCKET " %s\n",
                     folder, folder, t->socket);
}

/* Write what is not there so already. Return 1 if it was not, 0 or -1. */
static int bring_about(const char *path, const char *text, struct err *err)
{
    struct buf now;
    bool same;

    buf_init(&now, CONF_MAX);
    same = file_read(path, &now, NULL) == 0 && str_equal(buf_string(&now), text);
    if (now.data != NULL)
        explicit_bzero(now.data, now.len);
    buf_free(&now);
    if (same)
        return 0;
    return file_write(path, text, strlen(text), 0600, err) == -1 ? -1 : 1;
}

/* base and ports together. Return 1 if it changed, 0 or -1. */
static int write_conf(const struct link *l, struct err *err)
{
    struct buf conf, ports;
    char *save = NULL;
    int rc = -1;

    buf_init(&conf, CONF_MAX);
    buf_init(&ports, PORTS_MAX);
    if (file_read(l->base, &conf, err) == 0) {
        (void)file_read(l->ports, &ports, NULL);
        if (ports.len > 0 && buf_byte(&ports, '\0') == 0)
            for (char *at = strtok_r(ports.data, "\n", &save); at != NULL;
                 at = strtok_r(NULL, "\n", &save))
                (void)buf_format(&conf, "  LocalForward 127.0.0.1:%s 127.0.0.1:%s\n", at, at);
        rc = conf.failed ? err_set(err, ERR_TOO_LARGE, "link_ports", "too many ports on one engine")
                         : bring_about(l->conf, buf_string(&conf), err);
    }
    buf_free(&ports);
    buf_free(&conf);
    return rc;
}

static int write_keys(const struct link *l, const struct terms *t, struct err *err)
{
    char key[SSH_KEY_FILE_SIZE], known[SSH_KEY_LINE_SIZE + 32];
    int a = -1, b = -1;

    (void)str_format(known, sizeof known, ALIAS " %s\n", t->host_key);
    if (ssh_key_file(key, t->seed, ALIAS) == -1)
        (void)err_set(err, ERR_INTERNAL, "ssh_key", "the key cannot be written down");
    else if ((a = bring_about(l->key, key, err)) != -1)
        b = bring_about(l->known, known, err);
    sodium_memzero(key, sizeof key);
    return a == -1 || b == -1 ? -1 : a + b;
}

/* ---- the verbs ---- */

static int make_folders(struct hands_job *job, const struct link *l, struct err *err)
{
    char path[300];

    (void)str_format(path, sizeof path, "%s/links", job->world->paths->hands);
    if (file_mkdirs(path, 0700, err) == -1)
        return -1;
    /* Installed, the unit has systemd make it for its own user. */
    return job->world->paths->root[0] == '\0' && str_equal(job->world->supervisor->name, "systemd")
               ? 0
               : file_mkdirs(l->folder, 0750, err);
}

static int put_down(const struct link *l, const struct terms *t, struct err *err)
{
    struct buf base;
    int keys, text, rc = -1;

    buf_init(&base, 8192);
    write_base(&base, t, l->folder);
    keys = write_keys(l, t, err);
    CP("link.keys");
    if (keys != -1 && (text = bring_about(l->base, buf_string(&base), err)) != -1 &&
        write_conf(l, err) != -1)
        rc = keys > 0 || text > 0;
    buf_free(&base);
    return rc;
}

enum outcome hands_link_start(struct hands_job *job, struct err *err)
{
    struct supervisor *s = job->world->supervisor;
    struct supervisor_status status;
    struct terms t;
    struct link l;
    int changed = -1, rc = -1;

    if (access(SSH, X_OK) == -1) {
        (void)err_set(err, ERR_INVALID, "ssh_missing", "there is no " SSH);
        (void)err_hint(err, "apt install openssh-client");
        return OUTCOME_FAIL;
    }
    if (read_terms(job->request, &t, err) == 0 &&
        take(job->world, job->request->number, &l, err) == 0 && make_folders(job, &l, err) == 0)
        changed = put_down(&l, &t, err);
    sodium_memzero(t.seed, sizeof t.seed);
    CP("link.files");
    if (changed != -1 && s->status(s->self, &l.unit, &status, err) == 0)
        rc = changed == 1 && status.running ? s->restart(s->self, &l.unit, err)
                                            : s->start(s->self, &l.unit, err);
    CP("link.started");
    return hands_outcome(rc, err);
}

static int forget(const struct link *l, struct err *err)
{
    const char *const files[] = {l->conf, l->base, l->ports, l->known, l->key};

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (unlink(files[i]) == -1 && errno != ENOENT)
            return err_sys(err, "link_files", errno, files[i]);
    return 0;
}

enum outcome hands_link_stop(struct hands_job *job, struct err *err)
{
    struct supervisor *s = job->world->supervisor;
    struct link l;

    if (take(job->world, job->request->number, &l, err) == -1 ||
        s->stop(s->self, &l.unit, err) == -1)
        return hands_outcome(-1, err);
    CP("link.stopped");
    return hands_outcome(forget(&l, err), err);
}

enum outcome hands_link_status(struct hands_job *job, struct err *err)
{
    struct supervisor *s = job->world->supervisor;
    struct hands_reply *reply = job->reply;
    struct supervisor_status status;
    struct link l;

    if (take(job->world, job->request->number, &l, err) == -1)
        return hands_outcome(-1, err);
    if (!(reply->present = file_exists(l.conf)))
        return OUTCOME_ABSENT;
    if (s->status(s->self, &l.unit, &status, err) == -1)
        return hands_outcome(-1, err);
    reply->running = status.running;
    reply->pid = status.pid;
    reply->restarts = status.restarts;
    reply->status.started_at = status.since;
    return OUTCOME_OK;
}

enum outcome hands_link_logs(struct hands_job *job, struct err *err)
{
    struct supervisor *s = job->world->supervisor;
    struct link l;

    if (take(job->world, job->request->number, &l, err) == -1)
        return hands_outcome(-1, err);
    return hands_outcome(s->logs(s->self, &l.unit, job->request->lines, job->stream, err), err);
}

/* ---- ports ---- */

/* The list with this port in it, or not. Return 1 if it changed, 0 or -1. */
static int list_port(const struct link *l, uint32_t port, bool on, struct err *err)
{
    struct buf now, next;
    char word[8], *save = NULL;
    int rc = -1;

    buf_init(&now, PORTS_MAX);
    buf_init(&next, PORTS_MAX);
    (void)str_format(word, sizeof word, "%u", port);
    (void)file_read(l->ports, &now, NULL);
    if (now.len > 0 && buf_byte(&now, '\0') == 0)
        for (char *at = strtok_r(now.data, "\n", &save); at != NULL;
             at = strtok_r(NULL, "\n", &save))
            if (!str_equal(at, word))
                (void)buf_format(&next, "%s\n", at);
    if (on)
        (void)buf_format(&next, "%s\n", word);
    if (next.failed)
        (void)err_set(err, ERR_TOO_LARGE, "link_ports", "too many ports on one engine");
    else
        rc = bring_about(l->ports, buf_string(&next), err);
    buf_free(&next);
    buf_free(&now);
    return rc;
}

/* Ask the ssh that runs. Return 0, or -1 with what it said. */
static int ask(const struct link *l, const char *what, uint32_t port, struct err *err)
{
    char control[240], forward[64];
    const char *const argv[] = {SSH,  "-F", "none",  "-o",  control, "-O",
                                what, "-L", forward, ALIAS, NULL};
    struct process_plan *plan = calloc(1, sizeof *plan);
    struct buf out;
    int code = 1, rc = -1;

    buf_init(&out, 4096);
    (void)str_format(control, sizeof control, "ControlPath=%s/ctl", l->folder);
    (void)str_format(forward, sizeof forward, "127.0.0.1:%u:127.0.0.1:%u", port, port);
    if (plan == NULL || str_copy(plan->name, sizeof plan->name, "link") == -1 ||
        process_plan_args(plan, (char *const *)(uintptr_t)argv) == -1)
        (void)err_set(err, ERR_INTERNAL, "memory", "no memory to ask ssh");
    else if (process_run(plan, ASK_S, &out, &code, err) == 0)
        rc = code == 0 ? 0
                       : err_set(err, ERR_UNAVAILABLE, "link_port",
                                 "port %u is not brought here: %.200s", port, buf_string(&out));
    buf_free(&out);
    free(plan);
    return rc;
}

enum outcome hands_link_port(struct hands_job *job, struct err *err)
{
    const struct hands_request *q = job->request;
    struct err ignored;
    struct link l;

    if (take(job->world, q->number, &l, err) == -1)
        return hands_outcome(-1, err);
    if (!file_exists(l.base)) {
        if (q->flag)
            return OUTCOME_OK;
        (void)err_set(err, ERR_UNAVAILABLE, "link_missing", "there is no link to that engine yet");
        return OUTCOME_AGAIN;
    }
    if (list_port(&l, q->port, !q->flag, err) == -1 || write_conf(&l, err) == -1)
        return hands_outcome(-1, err);
    CP("link.port");
    if (q->flag) { /* one that is not there, or a link that does not run, is as well */
        (void)ask(&l, "cancel", q->port, &ignored);
        return OUTCOME_OK;
    }
    return hands_outcome(ask(&l, "forward", q->port, err), err);
}

/* ---- after a boot, and at the end ---- */

/* Call ${verb} for every link that should run. A child supervisor's own group does it by itself. */
static void each(struct hands_world *w,
                 int (*verb)(void *self, const struct supervisor_unit *u, struct err *err))
{
    struct supervisor *s = w->supervisor;
    struct dirent *entry;
    char path[320], digits[24];
    struct err err;
    struct link l;
    uint64_t number;
    DIR *folder;

    if (str_equal(s->name, "child") ||
        str_format(path, sizeof path, "%s/links", w->paths->hands) == -1 ||
        (folder = opendir(path)) == NULL)
        return;
    while ((entry = readdir(folder)) != NULL) {
        size_t len = strlen(entry->d_name);

        if (!str_ends(entry->d_name, ".conf") ||
            str_copy_n(digits, sizeof digits, entry->d_name, len - strlen(".conf")) == -1 ||
            str_u64(digits, 1, UINT32_MAX, &number) == -1)
            continue;
        if (take(w, number, &l, &err) == -1 || verb(s->self, &l.unit, &err) == -1)
            log_error("the link to engine %llu: %s", (unsigned long long)number, err.text);
    }
    (void)closedir(folder);
}

void hands_link_resume(struct hands_world *w)
{
    each(w, w->supervisor->start);
}

void hands_link_halt(struct hands_world *w)
{
    each(w, w->supervisor->stop);
}
