/*
 * What an lxc tenant is made of, and whether what is there is still that. Apart from the verbs so
 * that what happens to something half made can be read by itself: every step is fine with what an
 * earlier one left.
 */
#include "lxc_work.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <errno.h>

#include "crash.h"
#include "file.h"
#include "firewall.h"
#include "folder.h"
#include "lxc_bridge.h"
#include "lxc_image.h"
#include "str.h"

#define NOBODY    65534u
#define FILES     4096u /* of sett-forward: two for each connection */
#define COMMAND_S 10    /* a command may take so long to end */
#define BOOTED_S  60    /* and an init */

/* The next network that no container of ours has, beginning with the number's own. */
static int choose_network(struct lxc_self *self, const struct runtime_order *o,
                          struct docker_network *out, struct err *err)
{
    uint32_t first = (uint32_t)(o->number % self->pool.slots);
    DIR *dir = opendir(self->lxc);
    struct docker_network *have = NULL;
    size_t count = 0, room = 0;
    struct dirent *entry;
    int rc = -1;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        struct lxc_places at = {.folder = ""};
        struct lxc_marks marks;
        if (entry->d_name[0] == '.' ||
            str_format(at.config, sizeof at.config, "%s/%s/config", self->lxc, entry->d_name) ==
                -1 ||
            lxc_marks_read(&marks, &at, NULL) != 1)
            continue;
        if (count == room) {
            struct docker_network *more = realloc(have, (room = room * 2 + 64) * sizeof *more);
            if (more == NULL)
                break;
            have = more;
        }
        have[count++] = marks.network;
    }
    if (dir != NULL)
        (void)closedir(dir);
    for (uint32_t i = 0; i < self->pool.slots && rc == -1; i++) {
        size_t k = 0;
        docker_pool_slot(&self->pool, (first + i) % self->pool.slots, out);
        while (k < count && !str_equal(have[k].gateway, out->gateway))
            k++;
        rc = k == count ? 0 : -1;
    }
    free(have);
    if (rc == 0)
        return 0;
    (void)err_set(err, ERR_QUOTA, "network_pool", "no free /29 is left for the network of %s",
                  o->mark);
    return err_hint(err, "Give a larger pool in sett.conf, [hands] lxc_pool.");
}

/* Its folder and marks, before anything else of it is made; with the network that is its own. */
static int claim(struct lxc_self *self, struct lxc_work *w, bool known, struct err *err)
{
    const struct lxc_plan *p = &w->plan;
    struct docker_network network = w->marks.network;
    struct buf text;
    int rc = -1;

    (void)pthread_mutex_lock(&self->lock);
    if ((known || choose_network(self, &w->o, &network, err) == 0) &&
        file_mkdirs(p->at.folder, 0711, err) == 0 &&
        (self->closed_in || firewall_lxc(self->units, self->pool_text, err) == 0)) {
        self->closed_in = true;
        w->plan.network = network;
        buf_init(&text, 4096);
        (void)buf_format(&text,
                         "# sett.tenant = %s\n# sett.job = %s\n# sett.box = %s\n"
                         "# sett.number = %llu\n# sett.image = %s\n# sett.subnet = %s\n"
                         "# sett.gateway = %s\n",
                         w->o.tenant_id, w->o.job_id, w->o.box_id, (unsigned long long)w->o.number,
                         known ? w->marks.image : "", network.subnet, network.gateway);
        rc = known ? 0 : file_write(p->at.config, text.data, text.len, 0600, err);
        buf_free(&text);
    }
    (void)pthread_mutex_unlock(&self->lock);
    return rc;
}

/* Nobody but the container's own root, under whose id lxc mounts, comes through a folder of its:
 * what lies there may be set-uid. */
static int close_folder(const char *path, const struct lxc_plan *p, struct err *err)
{
    if (chown(path, 0, (gid_t)p->base) == -1 || chmod(path, 0710) == -1)
        return err_sys(err, "container_folder", errno, path);
    return 0;
}

static int ready_volumes(const struct lxc_plan *p, struct err *err)
{
    const struct blueprint *b = p->blueprint;

    if (folder_make(p->at.tenant, NULL, 0, err) == -1)
        return -1;
    for (uint32_t i = 0; i < b->volume_count; i++)
        if (folder_make(p->at.tenant, b->volumes[i].name, p->uid, err) == -1)
            return -1;
    return close_folder(p->at.tenant, p, err);
}

/* Its unit: lxc-start in the foreground. Without a PATH it finds no newuidmap, whose /etc/subuid is
 * about users and not about root. */
static int make_unit(struct lxc_self *self, struct lxc_work *w, struct err *err)
{
    const struct lxc_plan *p = &w->plan;
    char space[RUNTIME_ARGV_SPACE], *argv[BLUEPRINT_ARGS + 1] = {NULL};
    const char *const own[] = {LXC_START,    "-F", "-P",        self->lxc, "-n",   w->o.mark, "-f",
                               p->at.config, "-o", p->at.trace, "-l",      "INFO", NULL};
    char init[400];
    ssize_t len;

    memset(&w->unit, 0, sizeof w->unit);
    (void)str_copy(w->unit.name, sizeof w->unit.name, p->at.unit);
    (void)str_copy(w->unit.owner, sizeof w->unit.owner, w->o.tenant_id);
    w->unit.stop_s = p->boots ? BOOTED_S : COMMAND_S;
    if (p->boots) { /* systemd halts on SIGRTMIN+3, others on SIGPWR */
        char path[400];
        (void)str_format(path, sizeof path, "%s/sbin/init", p->at.root);
        len = readlink(path, init, sizeof init - 1);
        init[len < 0 ? 0 : len] = '\0';
        w->unit.stop_signal = (uint32_t)(strstr(init, "systemd") != NULL ? SIGRTMIN + 3 : SIGPWR);
    }
    if (str_copy(w->unit.log, sizeof w->unit.log, p->at.log) == -1 ||
        kv_set(&w->unit.env, "PATH", "/nonexistent") == -1 ||
        process_plan_args(&w->unit, (char *const *)own) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", p->at.folder);
    if (p->boots)
        return 0;
    if (runtime_argv(space, argv, &p->blueprint->command, &p->vars, err) == -1)
        return -1;
    if (process_plan_arg(&w->unit, "--") == -1 || process_plan_args(&w->unit, argv) == -1)
        return err_set(err, ERR_TOO_LARGE, "command_too_large",
                       "the command of blueprint %s is too long for %s", p->blueprint->name,
                       w->o.mark);
    return 0;
}

int lxc_make_forward(struct lxc_self *self, struct lxc_work *w, struct err *err)
{
    struct process_plan *f = &w->forward;
    char port[16], inner[16];

    memset(f, 0, sizeof *f);
    (void)str_format(port, sizeof port, "%u", w->o.port);
    (void)str_format(inner, sizeof inner, "%u", w->plan.blueprint->inner_port);
    (void)str_copy(f->name, sizeof f->name, w->plan.at.forward);
    (void)str_copy(f->owner, sizeof f->owner, w->o.tenant_id);
    f->uid = NOBODY;
    f->nofile = FILES;
    f->stop_s = 1;
    if (str_format(f->log, sizeof f->log, "%s/port.log", w->plan.at.folder) == 0 &&
        process_plan_arg(f, self->forward) == 0 && process_plan_arg(f, port) == 0 &&
        process_plan_arg(f, w->plan.address) == 0 && process_plan_arg(f, inner) == 0)
        return 0;
    return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", w->plan.at.folder);
}

/* The whole plan of an order and its blueprint, in w. The root must be there. */
int lxc_make_plan(struct lxc_self *self, struct lxc_work *w, const struct blueprint *b,
                  struct err *err)
{
    if (lxc_plan_make(&w->plan, &w->o, b, &w->plan.network, self->idmap, err) == -1 ||
        lxc_image_user(&w->plan.at, b->user, &w->plan.uid, &w->plan.gid, err) == -1)
        return -1;
    return make_unit(self, w, err);
}

/* The configuration as it must be. Return 1 when it was another, 0, -1. */
static int write_config(const struct lxc_work *w, struct err *err)
{
    struct buf now, then;
    int rc = -1;

    buf_init(&now, 128 * 1024);
    buf_init(&then, 128 * 1024);
    if (lxc_config_write(&now, &w->plan, err) == 0) {
        /* which job made it last is no difference */
        const char *a, *b;
        (void)file_read(w->plan.at.config, &then, NULL);
        a = strstr(buf_string(&now), "# sett.box");
        b = strstr(buf_string(&then), "# sett.box");
        rc = a != NULL && b != NULL && str_equal(a, b)                          ? 0
             : file_write(w->plan.at.config, now.data, now.len, 0600, err) == 0 ? 1
                                                                                : -1;
    }
    buf_free(&now);
    buf_free(&then);
    return rc;
}

/* Whether the unit as it is kept would run the same. */
static bool same_unit(struct lxc_self *self, const struct lxc_work *w)
{
    struct process_plan *have = malloc(sizeof *have);
    bool same = false;

    if (have != NULL && process_group_plan(self->group, w->plan.at.unit, have, NULL) == 0)
        same = have->argc == 0 || (have->arg_used == w->unit.arg_used &&
                                   memcmp(have->args, w->unit.args, have->arg_used) == 0);
    free(have);
    return same;
}

int lxc_stop_units(struct lxc_self *self, const struct lxc_work *w, struct err *err)
{
    if (process_group_stop(self->group, w->plan.at.forward, w->o.tenant_id, err) == -1)
        return -1;
    return process_group_stop(self->group, w->plan.at.unit, w->o.tenant_id, err);
}

/* Everything but the running. Return 1 when it ran and must run anew, 0, -1. */
int lxc_make(struct lxc_self *self, struct lxc_work *w, const struct blueprint *b, bool known,
             struct err *err)
{
    struct process_plan *bare = &w->forward; /* not needed yet */
    struct process_status s;
    char image[400];
    int changed;

    if (lxc_image_find(self->images, b->image, image, sizeof image, err) == -1 ||
        claim(self, w, known, err) == -1)
        return -1;
    CP("lxc.claimed");
    process_group_status(self->group, w->plan.at.unit, &s);
    if (known && w->marks.image[0] != '\0' && !str_equal(w->marks.image, b->image) &&
        (lxc_stop_units(self, w, err) == -1 || file_remove_tree(w->plan.at.root, err) == -1))
        return -1;
    if (lxc_image_unpack(image, &w->plan.at, b, self->apart, err) == -1)
        return -1;
    CP("lxc.unpacked");
    if (lxc_make_plan(self, w, b, err) == -1 || ready_volumes(&w->plan, err) == -1 ||
        lxc_bridge_ensure(w->plan.at.bridge, &w->plan.network, err) == -1)
        return -1;
    changed = same_unit(self, w) ? 0 : 1;
    switch (write_config(w, err)) {
    case -1:
        return -1;
    case 1:
        changed = 1;
        break;
    default:
        break;
    }
    if (close_folder(w->plan.at.folder, &w->plan, err) == -1)
        return -1;
    memset(bare, 0, sizeof *bare);
    (void)str_copy(bare->name, sizeof bare->name, w->plan.at.unit);
    (void)str_copy(bare->owner, sizeof bare->owner, w->o.tenant_id);
    (void)str_copy(bare->log, sizeof bare->log, w->plan.at.log);
    if (process_group_add(self->group, bare, err) == -1)
        return -1;
    CP("lxc.added");
    return s.running && changed == 1;
}
