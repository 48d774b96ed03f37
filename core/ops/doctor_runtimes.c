/*
 * What doctor says about runtimes. Apart because it looks outside: at programs, at an engine's
 * socket, which it asks by hand, since sett is not linked with what the hands speak to it by.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "blueprint.h"
#include "doctor.h"
#include "file.h"
#include "firewall.h"
#include "json_in.h"
#include "lxc_image.h"
#include "plan.h"
#include "str.h"

#define ANSWER_S   5
#define ANSWER_MAX (1u << 20)
#define PLANS_MOST 200

static const char *setting_of(const struct look *l, const char *name, const char *otherwise)
{
    const char *value = conf_get(&l->box->conf, "hands", name);

    return value == NULL || value[0] == '\0' ? otherwise : value;
}

/* GET /info of the engine, body only. Return 1; 0 when we may not ask; -1 with errno. */
static int ask_engine(const char *path, struct buf *out)
{
    static const char request[] = "GET /info HTTP/1.0\r\nHost: engine\r\n\r\n";
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct timeval wait = {.tv_sec = ANSWER_S};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc = -1;
    const char *body;
    ssize_t got = 0;
    char *room;

    if (fd == -1 || str_copy(at.sun_path, sizeof at.sun_path, path) == -1)
        goto done;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    if (connect(fd, (const struct sockaddr *)&at, sizeof at) == -1) {
        rc = errno == EACCES ? 0 : -1;
        goto done;
    }
    if (write(fd, request, sizeof request - 1) != (ssize_t)(sizeof request - 1))
        goto done;
    while ((room = buf_reserve(out, 4096)) != NULL && (got = read(fd, room, 4095)) > 0)
        out->len += (size_t)got;
    if (room == NULL || got == -1 || out->len == 0)
        goto done;
    out->data[out->len] = '\0';
    if ((body = strstr(out->data, "\r\n\r\n")) != NULL) {
        out->len -= (size_t)(body + 4 - out->data);
        memmove(out->data, body + 4, out->len + 1);
        rc = 1;
    }
done:
    if (fd != -1)
        (void)close(fd);
    return rc;
}

static enum finding engine(struct look *l, const char *plan, bool swarm)
{
    const char *path = setting_of(l, "docker_socket", "/var/run/docker.sock");
    struct cJSON *json = NULL;
    enum finding f = FINE;
    struct buf b;
    int rc;

    buf_init(&b, ANSWER_MAX);
    rc = ask_engine(path, &b);
    if (rc == -1)
        f = doctor_say(
            l, BROKEN,
            "systemctl start docker (package docker.io), or podman.socket and its path in "
            "sett.conf, [hands] docker_socket",
            "plan %s needs a container engine; at %s none answers: %s", plan, path,
            strerror(errno));
    else if (rc == 1)
        json = json_parse(b.data, b.len, &json_limits_provider, NULL);
    if (f == FINE && swarm && !firewall_present())
        f = doctor_say(
            l, BROKEN, "apt install nftables",
            "plan %s runs in the swarm, and nft, which keeps its port off the outside, is "
            "missing",
            plan);
    else if (f == FINE && swarm && json != NULL &&
             !json_bool(json, "Swarm.ControlAvailable", false))
        f = doctor_say(l, BROKEN,
                       "docker swarm init --advertise-addr ADDRESS, or promote this node",
                       "plan %s runs in the swarm, and this node is no manager of one (%s)", plan,
                       json_text(json, "Swarm.LocalNodeState", "inactive"));
    json_free(json);
    buf_free(&b);
    return f;
}

static enum finding lxc(struct look *l, const char *plan, const char *image)
{
    char path[2 * PATHS_SIZE];
    struct err why = {0};

    if (!lxc_tools_present())
        return doctor_say(l, BROKEN, "apt install lxc",
                          "plan %s runs in lxc, and lxc-start is missing", plan);
    if (!firewall_present())
        return doctor_say(l, BROKEN, "apt install nftables",
                          "plan %s runs in lxc, and nft, which keeps tenants apart, is missing",
                          plan);
    if (lxc_image_find(l->box->paths.images, image, path, sizeof path, &why) == -1)
        return doctor_say(l, BROKEN, why.hint, "plan %s: %s", plan, why.text);
    return FINE;
}

/* What the blueprint of a plan needs. */
static enum finding check_plan(struct look *l, const char *plan, const struct blueprint *b)
{
    if (str_equal(b->runtime, "docker") || str_equal(b->runtime, "swarm"))
        return engine(l, plan, str_equal(b->runtime, "swarm"));
    if (str_equal(b->runtime, "lxc"))
        return lxc(l, plan, b->image);
    if (str_equal(b->runtime, "process") && access(b->command.args[0], X_OK) == -1 &&
        strchr(b->command.args[0], '$') == NULL)
        return doctor_say(l, BROKEN, "install it, or correct the command in the blueprint",
                          "plan %s runs %s, which is missing", plan, b->command.args[0]);
    return FINE;
}

static bool has_ip_vs(void)
{
    return file_exists("/proc/net/ip_vs") || file_exists("/sys/module/ip_vs");
}

/* What plans are sold with. */
struct sold {
    struct {
        char plan[sizeof((struct plan *)0)->name], blueprint[sizeof((struct plan *)0)->blueprint];
        bool far; /* on an engine of another machine: doctor_engines */
    } at[PLANS_MOST];
    size_t count;
    struct blueprint b; /* the one that is looked at */
    char names[64];     /* of their runtimes */
    bool swarm;
};

static int read_plans(struct look *l, struct sold *sold, struct err *err)
{
    struct plan plan;
    struct scan scan;
    struct txn *txn;
    int got = -1;

    if (db_read(&txn, l->box->db, err) == -1)
        return -1;
    if (scan_start(&scan, txn, &plan_table, NULL, NULL, 0, false, err) == 0)
        while (sold->count < PLANS_MOST && (got = scan_next(&scan, &plan, err)) == 1) {
            sold->at[sold->count].far = plan.engine[0] != '\0';
            (void)str_copy(sold->at[sold->count].plan, sizeof sold->at[0].plan, plan.name);
            (void)str_copy(sold->at[sold->count++].blueprint, sizeof sold->at[0].blueprint,
                           plan.blueprint);
        }
    db_read_end(txn);
    return got == -1 ? -1 : 0;
}

static enum finding look_at(struct look *l, struct sold *sold)
{
    struct blueprint *b = &sold->b;
    enum finding f = FINE;
    struct err err = {0};

    if (read_plans(l, sold, &err) == -1)
        return doctor_say(l, BROKEN, "", "%s", err.text);
    for (size_t i = 0; f == FINE && i < sold->count; i++) {
        size_t len = strlen(sold->names);
        if (blueprint_load(b, l->box->paths.blueprints, sold->at[i].blueprint, &err) == -1)
            continue; /* the check of blueprints says so */
        if (!sold->at[i].far && b->engine[0] == '\0')
            f = check_plan(l, sold->at[i].plan, b);
        sold->swarm = sold->swarm || str_equal(b->runtime, "swarm");
        if (strstr(sold->names, b->runtime) == NULL)
            (void)str_format(sold->names + len, sizeof sold->names - len, "%s%s",
                             len == 0 ? "" : ", ", b->runtime);
    }
    if (f != FINE)
        return f;
    if (sold->swarm && !has_ip_vs())
        return doctor_say(
            l, FINE, "",
            "%s can run; this kernel has no ip_vs, so the swarm publishes on a tenant's "
            "own node and not by its routing mesh",
            sold->names);
    return doctor_say(l, FINE, "", "%s",
                      sold->names[0] == '\0' ? "no plan needs one" : sold->names);
}

enum finding doctor_runtimes(struct look *l)
{
    struct sold *sold = calloc(1, sizeof *sold);
    enum finding f =
        sold == NULL ? doctor_say(l, BROKEN, "", "no memory for blueprints") : look_at(l, sold);

    free(sold);
    return f;
}
