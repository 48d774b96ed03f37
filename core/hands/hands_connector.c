/*
 * The verbs about a tunnel's connector: its token, its environment, its unit. Apart from the
 * supervisors, which know nothing of tunnels. Two files each in hands/tunnels: N.env
 * (METRICS_PORT=…) and N.token; that the token is there means that the connector should run. One
 * whose rules are files of this box has N.yml and N.json (its credentials) besides
 * (connector_files.h).
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connector_files.h"
#include "crash.h"
#include "file.h"
#include "hands_world.h"
#include "log.h"
#include "port_probe.h"
#include "str.h"

#define METRICS_PORTS 10000 /* how many ports, from the first, are tried */

static int files_of(const struct hands_world *w, uint64_t number, struct connector_files *f,
                    struct err *err)
{
    return connector_files(w->paths->hands, number, f, err);
}

/* The metrics port that N.env names, or 0. */
static uint32_t metrics_port(const struct connector_files *f)
{
    struct buf b;
    uint64_t port = 0;

    buf_init(&b, 200);
    if (file_read(f->env, &b, NULL) == 0 && str_starts(buf_string(&b), "METRICS_PORT="))
        (void)str_u64(str_trim(b.data + strlen("METRICS_PORT=")), 1, 65535, &port);
    buf_free(&b);
    return (uint32_t)port;
}

/* Choose one that nobody listens on, beginning at a place of its own, and keep it. */
static int choose_port(const struct hands_world *w, uint64_t number,
                       const struct connector_files *f, struct err *err)
{
    char owner[96], text[48];

    for (uint32_t i = 0; i < METRICS_PORTS; i++) {
        uint32_t port = w->metrics_port + (uint32_t)((number + i * 7) % METRICS_PORTS);
        int taken = port_probe(port, NULL, owner, sizeof owner, err);
        if (taken == -1)
            return -1;
        if (taken == 1)
            continue;
        (void)str_format(text, sizeof text, "METRICS_PORT=%u\n", port);
        return file_write(f->env, text, strlen(text), 0600, err);
    }
    return err_set(err, ERR_QUOTA, "metrics_ports",
                   "no port is left for the metrics of tunnel "
                   "%llu",
                   (unsigned long long)number);
}

/* The unit; its argv only with a port. */
static int make_unit(const struct hands_world *w, uint64_t number, const struct connector_files *f,
                     struct supervisor_unit *u, struct err *err)
{
    char metrics[32];
    const char *const by_token[] = {w->cloudflared, "--no-autoupdate", "tunnel", "--metrics",
                                    metrics,        "--grace-period",  "30s",    "run",
                                    "--token-file", f->token,          NULL};
    const char *const by_files[] = {w->cloudflared,
                                    "--no-autoupdate",
                                    "tunnel",
                                    "--config",
                                    f->config,
                                    "--metrics",
                                    metrics,
                                    "--grace-period",
                                    "30s",
                                    "run",
                                    "--credentials-file",
                                    f->credentials,
                                    NULL};
    bool local = file_exists(f->config);
    const char *const *argv = local ? by_files : by_token;

    memset(u, 0, sizeof *u);
    hands_unit_name(u->name, number);
    if (local)
        (void)str_format(u->name, sizeof u->name, "sett-tunnel-local@%llu",
                         (unsigned long long)number);
    (void)str_format(metrics, sizeof metrics, "127.0.0.1:%u", metrics_port(f));
    for (size_t i = 0; argv[i] != NULL; i++)
        if (str_copy(u->argv[i], sizeof u->argv[i], argv[i]) == -1)
            return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", argv[i]);
    return 0;
}

/* Whether the token that is kept is ${token}. */
static bool has_token(const struct connector_files *f, const char *token)
{
    struct buf b;
    bool same;

    buf_init(&b, sizeof((struct hands_request *)0)->secret);
    same = file_read(f->token, &b, NULL) == 0 && str_equal(buf_string(&b), token);
    if (b.data != NULL)
        explicit_bzero(b.data, b.len);
    buf_free(&b);
    return same;
}

/* What every verb begins with. */
struct connector {
    struct connector_files files;
    struct supervisor_unit unit;
    struct supervisor_status status;
};

static int take(struct hands_job *job, struct connector *c, struct err *err)
{
    return files_of(job->world, job->request->number, &c->files, err) == -1
               ? -1
               : make_unit(job->world, job->request->number, &c->files, &c->unit, err);
}

/* See that it has a port of its own: the one that is kept, unless the connector does not run and
 * another program has taken that meanwhile, with which it would never come up again. */
static int settle_port(struct hands_job *job, struct connector *c, struct err *err)
{
    struct supervisor *s = job->world->supervisor;
    uint32_t port = metrics_port(&c->files);
    char owner[96];
    int taken = 1;

    if (port != 0) {
        if (make_unit(job->world, job->request->number, &c->files, &c->unit, err) == -1 ||
            s->status(s->self, &c->unit, &c->status, err) == -1 ||
            (!c->status.running && (taken = port_probe(port, NULL, owner, sizeof owner, err)) < 0))
            return -1;
        if (c->status.running || taken == 0)
            return 0;
        log_warning("the metrics port %u of tunnel %llu is taken by %s", port,
                    (unsigned long long)job->request->number, owner);
    }
    return choose_port(job->world, job->request->number, &c->files, err);
}

/* Put down what the connector goes by. Return 1 if something of it has changed, 0 or -1. */
static int put_down(const struct hands_request *q, const struct connector_files *f, struct err *err)
{
    int changed = 0, wrote;

    if (!q->flag && (changed = connector_files_write(f, q->secret, q->rules, err)) == -1)
        return -1;
    CP("connector.files");
    if (has_token(f, q->secret))
        return changed;
    wrote = file_write(f->token, q->secret, strlen(q->secret), 0600, err);
    CP("connector.token");
    return wrote == -1 ? -1 : 1;
}

enum outcome hands_connector_start(struct hands_job *job, struct err *err)
{
    const struct hands_request *q = job->request;
    struct hands_world *w = job->world;
    struct supervisor *s = w->supervisor;
    struct connector c;
    int result;

    if (files_of(w, q->number, &c.files, err) == -1 || settle_port(job, &c, err) == -1 ||
        (result = put_down(q, &c.files, err)) == -1 ||
        make_unit(w, q->number, &c.files, &c.unit, err) == -1 ||
        s->status(s->self, &c.unit, &c.status, err) == -1)
        return hands_outcome(-1, err);
    if (c.status.running && (result == 1 || connector_files_newer(&c.files, c.status.since)))
        result = s->restart(s->self, &c.unit, err);
    else
        result = s->start(s->self, &c.unit, err);
    CP("connector.started");
    job->reply->port = metrics_port(&c.files);
    return hands_outcome(result, err);
}

enum outcome hands_connector_stop(struct hands_job *job, struct err *err)
{
    struct supervisor *s = job->world->supervisor;
    struct connector c;

    if (take(job, &c, err) == -1 || s->stop(s->self, &c.unit, err) == -1)
        return hands_outcome(-1, err);
    CP("connector.stopped");
    return hands_outcome(connector_files_remove(&c.files, err), err);
}

enum outcome hands_connector_restart(struct hands_job *job, struct err *err)
{
    struct supervisor *s = job->world->supervisor;
    struct connector c;

    if (take(job, &c, err) == -1)
        return hands_outcome(-1, err);
    if (!file_exists(c.files.token)) {
        (void)err_set(err, ERR_NOT_FOUND, "connector_missing", "tunnel %llu has no connector",
                      (unsigned long long)job->request->number);
        return OUTCOME_FAIL;
    }
    if (settle_port(job, &c, err) == -1 || take(job, &c, err) == -1)
        return hands_outcome(-1, err);
    return hands_outcome(s->restart(s->self, &c.unit, err), err);
}

enum outcome hands_connector_status(struct hands_job *job, struct err *err)
{
    struct supervisor *s = job->world->supervisor;
    struct hands_reply *reply = job->reply;
    struct connector c;

    if (take(job, &c, err) == -1 || s->status(s->self, &c.unit, &c.status, err) == -1)
        return hands_outcome(-1, err);
    reply->present = file_exists(c.files.token);
    reply->running = c.status.running;
    reply->pid = c.status.pid;
    reply->restarts = c.status.restarts;
    reply->status.exit_code = c.status.exit_code;
    reply->status.started_at = c.status.since;
    reply->port = metrics_port(&c.files);
    return reply->present || reply->running ? OUTCOME_OK : OUTCOME_ABSENT;
}

int hands_connector_look(struct hands_world *w, uint64_t number, struct supervisor_status *status,
                         struct err *err)
{
    struct connector_files files;
    struct supervisor_unit unit;

    return files_of(w, number, &files, err) == -1 || make_unit(w, number, &files, &unit, err) == -1
               ? -1
               : w->supervisor->status(w->supervisor->self, &unit, status, err);
}

int hands_connector_runs(struct hands_world *w, uint64_t number, struct err *err)
{
    struct supervisor_status status;

    return hands_connector_look(w, number, &status, err) == -1 ? -1 : status.running;
}

enum outcome hands_connector_logs(struct hands_job *job, struct err *err)
{
    struct supervisor *s = job->world->supervisor;
    struct connector c;

    if (take(job, &c, err) == -1)
        return hands_outcome(-1, err);
    return hands_outcome(s->logs(s->self, &c.unit, job->request->lines, job->stream, err), err);
}

int hands_connector_each(struct hands_world *w,
                         int (*on)(void *arg, uint64_t number, struct err *err), void *arg,
                         struct err *err)
{
    struct dirent *entry;
    char path[320], digits[24];
    DIR *folder;
    int rc = 0;

    if (str_format(path, sizeof path, "%s/tunnels", w->paths->hands) == -1 ||
        (folder = opendir(path)) == NULL)
        return 0;
    while (rc == 0 && (entry = readdir(folder)) != NULL) {
        size_t len = strlen(entry->d_name);
        uint64_t number;

        if (!str_ends(entry->d_name, ".token") ||
            str_copy_n(digits, sizeof digits, entry->d_name, len - strlen(".token")) == -1 ||
            str_u64(digits, 1, UINT64_MAX, &number) == -1)
            continue;
        rc = on(arg, number, err);
    }
    (void)closedir(folder);
    return rc;
}

struct each {
    struct hands_world *world;
    const char *what;
    int (*verb)(void *self, const struct supervisor_unit *u, struct err *err);
};

static int each_one(void *arg, uint64_t number, struct err *err)
{
    const struct each *e = arg;
    struct connector c;

    if (files_of(e->world, number, &c.files, err) == -1 ||
        make_unit(e->world, number, &c.files, &c.unit, err) == -1 ||
        e->verb(e->world->supervisor->self, &c.unit, err) == -1)
        log_error("%s of the connector of tunnel %llu: %s", e->what, (unsigned long long)number,
                  err->text);
    return 0;
}

/* Call ${verb} for every connector whose token is kept. */
static void each(struct hands_world *w, const char *what,
                 int (*verb)(void *self, const struct supervisor_unit *u, struct err *err))
{
    struct each e = {w, what, verb};
    struct err err = {0};

    (void)hands_connector_each(w, each_one, &e, &err);
}

void hands_connector_resume(struct hands_world *world)
{
    /* The child supervisor's own group has started them again already. */
    if (!str_equal(world->supervisor->name, "child"))
        each(world, "start", world->supervisor->start);
}

void hands_connector_halt(struct hands_world *world)
{
    if (!str_equal(world->supervisor->name, "child"))
        each(world, "stop", world->supervisor->stop);
}
