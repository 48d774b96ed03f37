/*
 * What the doctor says of the web server's configuration: that there is one of ours, and that it
 * was made for the settings that hold. Apart because it is a file which no program of ours reads.
 */
#include "doctor.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "process_launch.h"
#include "str.h"
#include "web_made.h"

#define NGINX_CONF  "/etc/nginx/nginx.conf"
#define CONF_MAX    (256u << 10)
#define CONNECTIONS 2048
#define SAID_MAX    4096
#define SHOW_S      5
#define NOT_ACTIVE  3 /* what systemctl ends with then */

static enum finding differs(struct look *l, const struct conf *note, const char *kind)
{
    struct web_made made;
    char fix[96];
    struct txn *txn;
    struct err err;
    int rc;

    if (db_read(&txn, l->box->db, &err) == -1)
        return doctor_say(l, SKIPPED, "", "%s", err.text);
    rc = web_made_differs(txn, &l->box->conf, note, &made, &err);
    db_read_end(txn);
    if (rc != 1)
        return rc == 0 ? FINE : doctor_say(l, SKIPPED, "", "%s", err.text);
    (void)str_format(fix, sizeof fix, "sudo sett web-server enable %s", kind);
    return doctor_say(l, WARNING, fix, "%s was made for %s = %.100s, which is now %.100s", kind,
                      made.name, made.was, made.is);
}

/* Whether systemd says that it does not run; if it cannot be asked from here, nothing is known. */
static bool stopped(const char *kind)
{
    const char *const argv[] = {"/usr/bin/systemctl", "is-active", "--quiet", "--", kind, NULL};
    struct process_plan *plan = calloc(1, sizeof *plan);
    struct err ignored;
    struct buf out;
    int code = 0;

    buf_init(&out, SAID_MAX);
    if (plan == NULL || !file_exists("/run/systemd/system") ||
        process_plan_args(plan, (char *const *)(uintptr_t)argv) == -1 ||
        str_copy(plan->name, sizeof plan->name, "systemctl") == -1 ||
        process_run(plan, SHOW_S, &out, &code, &ignored) == -1)
        code = 0;
    buf_free(&out);
    free(plan);
    return code == NOT_ACTIVE;
}

/* How many connections nginx takes at once, per worker: Debian's 768 are fewer than one stranger's
 * slow clients. */
static enum finding crowded(struct look *l)
{
    const char *at;
    unsigned long most = 0;
    struct err ignored;
    struct buf b;

    buf_init(&b, CONF_MAX);
    if (file_read(NGINX_CONF, &b, &ignored) == 0)
        for (at = buf_string(&b); (at = strstr(at, "worker_connections")) != NULL; at++) {
            const char *line = at;
            while (line > b.data && line[-1] != '\n')
                line--;
            if (line[strspn(line, " \t")] != '#')
                most = strtoul(at + strlen("worker_connections"), NULL, 10);
        }
    buf_free(&b);
    if (most == 0 || most >= CONNECTIONS)
        return FINE;
    return doctor_say(l, WARNING,
                      "worker_connections 4096; in events of " NGINX_CONF
                      ", worker_rlimit_nofile 10000; above it, then systemctl reload nginx",
                      "nginx takes %lu connections at once, which slow clients can hold", most);
}

enum finding doctor_web(struct look *l)
{
    static const char unused[] = "sudo sett web-server enable nginx (or apache2, lighttpd, caddy)";
    const struct paths *p = &l->box->paths;
    struct conf *note;
    const char *kind;
    char fix[120];
    enum finding f;
    struct err err;

    if (p->root[0] != '\0')
        return doctor_say(l, SKIPPED, "", "sett run has a web server of its own");
    if (!file_exists(p->web_note))
        return doctor_say(l, WARNING, unused,
                          "no web server leads to this box by our configuration");
    if ((note = calloc(1, sizeof *note)) == NULL || conf_read(note, p->web_note, &err) == -1) {
        free(note);
        return doctor_say(l, WARNING, unused, "%s cannot be read", p->web_note);
    }
    kind = conf_get(note, "web", "kind");
    f = differs(l, note, kind == NULL ? "nginx" : kind);
    if (kind != NULL && stopped(kind)) {
        (void)str_format(fix, sizeof fix, "systemctl start %s; why: journalctl -u %s -n 20", kind,
                         kind);
        f = doctor_say(l, BROKEN, fix, "%s does not run: nobody reaches the box or its tenants",
                       kind);
    }
    if (f == FINE && kind != NULL && str_equal(kind, "nginx"))
        f = crowded(l);
    if (f == FINE)
        f = doctor_say(l, FINE, "", "%s, as it was made for this box", kind == NULL ? "?" : kind);
    free(note);
    return f;
}
