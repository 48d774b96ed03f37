/*
 * The container as lxc's configuration. Apart because here stands, in one screen, what an lxc
 * tenant may and may not do, and it is the page to read when that is in question.
 */
#include "lxc_config.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <linux/magic.h>

#include "file.h"
#include "str.h"

#define IDS 65536u
#define FIRST_IDS                                                                                  \
    4096u /* of the 65536 ranges: behind those of useradd and of the process runtime */
#define RANGES     24576u /* up to where systemd's range for containers ends */
#define CONFIG_MAX (128u * 1024u)
#define TMPFS_TMP  "rw,nosuid,nodev,size=64m,mode=1777,create=dir"
#define TMPFS_RUN  "rw,nosuid,nodev,size=16m,mode=1777,create=dir"

int lxc_places(struct lxc_places *out, const struct runtime_order *o, const char *lxc,
               const char *tenants, struct err *err)
{
    unsigned long long n = o->number;
    const struct {
        char *out;
        const char *name;
    } files[] = {{out->config, "config"}, {out->root, "root"},   {out->fresh, "root.new"},
                 {out->log, "log"},       {out->trace, "trace"}, {out->end, "end"}};

    memset(out, 0, sizeof *out);
    if (n == 0 || n > 999999999 || str_format(out->folder, 280, "%s/%s", lxc, o->mark) == -1 ||
        str_format(out->tenant, 280, "%s/%llu", tenants, n) == -1)
        return err_set(err, ERR_INVALID, "tenant_number",
                       "%llu is no tenant's number, or %s is too "
                       "long",
                       n, lxc);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (str_format(files[i].out, 300, "%s/%s", out->folder, files[i].name) == -1)
            return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", lxc);
    (void)str_format(out->unit, sizeof out->unit, "%llu", n);
    (void)str_format(out->forward, sizeof out->forward, "%llu-port", n);
    (void)str_format(out->bridge, sizeof out->bridge, "settb%llu", n);
    (void)str_format(out->veth, sizeof out->veth, "settv%llu", n);
    return 0;
}

/* ---- marks ---- */

static bool is_empty(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    bool empty = true;

    if (dir == NULL)
        return errno == ENOENT;
    while (empty && (entry = readdir(dir)) != NULL)
        empty = str_equal(entry->d_name, ".") || str_equal(entry->d_name, "..");
    (void)closedir(dir);
    return empty;
}

/* The value of "# sett.NAME = VALUE". */
static void mark(const char *text, const char *name, char *out, size_t size)
{
    char begin[48];
    const char *at;

    out[0] = '\0';
    (void)str_format(begin, sizeof begin, "# sett.%s = ", name);
    if ((at = strstr(text, begin)) != NULL) {
        at += strlen(begin);
        (void)str_copy_n(out, size, at, strcspn(at, "\n"));
    }
}

int lxc_marks_read(struct lxc_marks *out, const struct lxc_places *at, struct err *err)
{
    char number[24], boots[8];
    struct buf b;
    int rc = -1;

    memset(out, 0, sizeof *out);
    buf_init(&b, CONFIG_MAX);
    if (!file_exists(at->config)) {
        rc = is_empty(at->folder) ? 0 : -1;
    } else if (file_read(at->config, &b, err) == -1) {
        buf_free(&b);
        return -1;
    } else {
        mark(buf_string(&b), "tenant", out->tenant_id, sizeof out->tenant_id);
        mark(buf_string(&b), "box", out->box_id, sizeof out->box_id);
        mark(buf_string(&b), "number", number, sizeof number);
        mark(buf_string(&b), "image", out->image, sizeof out->image);
        mark(buf_string(&b), "boots", boots, sizeof boots);
        mark(buf_string(&b), "subnet", out->network.subnet, sizeof out->network.subnet);
        mark(buf_string(&b), "gateway", out->network.gateway, sizeof out->network.gateway);
        out->boots = str_equal(boots, "yes");
        if (str_u64(number, 1, UINT32_MAX, &out->number) == 0 && out->tenant_id[0] != '\0' &&
            out->network.gateway[0] != '\0')
            rc = 1;
    }
    buf_free(&b);
    if (rc != -1)
        return rc;
    (void)err_set(err, ERR_CONFLICT, "foreign_folder",
                  "%s exists and is not the container of a tenant of this box", at->folder);
    return err_hint(err, "Look at it, move it away, then retry.");
}

/* ---- plan ---- */

static bool is_loopback(const char *host)
{
    return host != NULL &&
           (str_equal(host, "localhost") || str_starts(host, "127.") || str_equal(host, "::1"));
}

int lxc_plan_make(struct lxc_plan *p, const struct runtime_order *o, const struct blueprint *b,
                  const struct docker_network *network, bool idmap, struct err *err)
{
    struct in_addr gateway;
    struct statfs groups;

    p->order = o;
    p->blueprint = b;
    p->network = *network;
    p->limits = b->limits;
    limits_over(&p->limits, &o->limits);
    p->boots = b->command.count == 0;
    p->base = idmap ? (FIRST_IDS + (uint32_t)(o->number % RANGES)) * IDS : 0;
    p->unified = statfs("/sys/fs/cgroup", &groups) == 0 && groups.f_type == CGROUP2_SUPER_MAGIC;
    if (inet_pton(AF_INET, network->gateway, &gateway) != 1)
        return err_set(err, ERR_INVALID, "lxc_pool", "%s is no gateway", network->gateway);
    gateway.s_addr = htonl(ntohl(gateway.s_addr) + 1);
    (void)inet_ntop(AF_INET, &gateway, p->address, sizeof p->address);
    if (runtime_variables(&p->vars, o, b, b->volume_count > 0 ? b->volumes[0].target : "/",
                          b->inner_port, err) == -1)
        return -1;
    kv_unset(&p->vars, "BLUEPRINT_FOLDER"); /* the host's affair */
    if (is_loopback(kv_get(&p->vars, "DB_HOST")) &&
        kv_set(&p->vars, "DB_HOST", network->gateway) == -1)
        return err_set(err, ERR_TOO_LARGE, "variables_too_large",
                       "the variables of tenant %llu do not fit", (unsigned long long)o->number);
    return runtime_environment(&p->env, &p->vars, b, err);
}

/* ---- text ---- */

static void write_marks(struct buf *out, const struct lxc_plan *p)
{
    const struct runtime_order *o = p->order;

    (void)buf_format(out,
                     "# sett.tenant = %s\n# sett.job = %s\n# sett.box = %s\n# sett.number = %llu\n"
                     "# sett.image = %s\n# sett.boots = %s\n# sett.subnet = %s\n"
                     "# sett.gateway = %s\n",
                     o->tenant_id, o->job_id, o->box_id, (unsigned long long)o->number,
                     p->blueprint->image, p->boots ? "yes" : "no", p->network.subnet,
                     p->network.gateway);
}

static void write_root(struct buf *out, const struct lxc_plan *p)
{
    const struct blueprint *b = p->blueprint;

    (void)buf_format(out,
                     "lxc.uts.name = %s\nlxc.rootfs.path = dir:%s\nlxc.rootfs.options = %s%s\n",
                     p->order->mark, p->at.root, b->read_only ? "ro" : "rw",
                     p->base != 0 ? ",idmap=container" : "");
    if (p->base != 0)
        (void)buf_format(out, "lxc.idmap = u 0 %u %u\nlxc.idmap = g 0 %u %u\n", p->base, IDS,
                         p->base, IDS);
    for (uint32_t i = 0; i < b->volume_count; i++)
        (void)buf_format(out,
                         "lxc.mount.entry = %s/%s %s none bind,nosuid,nodev%s,create=dir 0 0\n",
                         p->at.tenant, b->volumes[i].name, b->volumes[i].target + 1,
                         p->base != 0 ? ",idmap=container" : "");
    if (b->read_only)
        (void)buf_text(out, "lxc.mount.entry = tmpfs tmp tmpfs " TMPFS_TMP " 0 0\n"
                            "lxc.mount.entry = tmpfs run tmpfs " TMPFS_RUN " 0 0\n");
    (void)buf_format(out, "lxc.mount.auto = proc:mixed sys:mixed cgroup:%s:force\n",
                     p->boots ? "rw" : "ro");
    (void)buf_text(out, "lxc.autodev = 1\nlxc.tty.max = 0\nlxc.pty.max = 64\n"
                        "lxc.console.path = none\n");
}

static void write_network(struct buf *out, const struct lxc_plan *p)
{
    (void)buf_format(out,
                     "lxc.net.0.type = veth\nlxc.net.0.link = %s\nlxc.net.0.veth.pair = %s\n"
                     "lxc.net.0.name = eth0\nlxc.net.0.flags = up\n"
                     "lxc.net.0.ipv4.address = %s/29\nlxc.net.0.ipv4.gateway = %s\n",
                     p->at.bridge, p->at.veth, p->address, p->network.gateway);
}

static void write_group(struct buf *out, const struct lxc_plan *p, const char *old,
                        const char *unified, uint64_t n)
{
    if (n != 0)
        (void)buf_format(out, "lxc.%s = %llu\n", p->unified ? unified : old, (unsigned long long)n);
}

static void write_limits(struct buf *out, const struct lxc_plan *p)
{
    const struct limits *l = &p->limits;

    write_group(out, p, "cgroup.memory.limit_in_bytes", "cgroup2.memory.max", l->memory_bytes);
    if (p->unified && l->memory_bytes != 0)
        (void)buf_text(out, "lxc.cgroup2.memory.swap.max = 0\n");
    write_group(out, p, "cgroup.pids.max", "cgroup2.pids.max", l->pids);
    if (l->cpu_millis != 0 && p->unified)
        (void)buf_format(out, "lxc.cgroup2.cpu.max = %llu 100000\n",
                         (unsigned long long)l->cpu_millis * 100);
    else if (l->cpu_millis != 0)
        (void)buf_format(out,
                         "lxc.cgroup.cpu.cfs_period_us = 100000\nlxc.cgroup.cpu.cfs_quota_us = "
                         "%llu\n",
                         (unsigned long long)l->cpu_millis * 100);
    if (l->nofile != 0)
        (void)buf_format(out, "lxc.prlimit.nofile = %u\n", l->nofile);
    (void)buf_format(out, "lxc.%s.devices.deny = a\n", p->unified ? "cgroup2" : "cgroup");
    for (const char *const *device =
             (const char *const[]){"c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm",
                                   "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", "c 5:2 rwm",
                                   "c 136:* rwm", NULL};
         *device != NULL; device++)
        (void)buf_format(out, "lxc.%s.devices.allow = %s\n", p->unified ? "cgroup2" : "cgroup",
                         *device);
}

static void write_rights(struct buf *out, const struct lxc_plan *p)
{
    bool apparmor =
        file_exists("/sys/kernel/security/apparmor") && file_exists("/usr/sbin/apparmor_parser");

    (void)buf_format(out, "lxc.apparmor.profile = %s\n", apparmor ? "generated" : "unconfined");
    if (apparmor && p->boots)
        (void)buf_text(out, "lxc.apparmor.allow_nesting = 1\n");
    if (p->boots) {
        (void)buf_text(out,
                       "lxc.cap.drop = mac_admin mac_override sys_time sys_module sys_rawio\n");
        return;
    }
    (void)buf_text(out, "lxc.no_new_privs = 1\n");
    if (p->uid == 0)
        (void)buf_text(out, "lxc.cap.keep = chown dac_override fowner kill net_bind_service setgid "
                            "setuid\n");
    else
        (void)buf_format(out, "lxc.cap.keep = none\nlxc.init.uid = %u\nlxc.init.gid = %u\n", p->uid,
                         p->gid);
}

/* Who was killed for want of memory is known to the group alone, and the group goes with the
 * container: its last words are kept. */
static void write_end(struct buf *out, const struct lxc_plan *p)
{
    (void)buf_format(out,
                     "lxc.hook.version = 1\nlxc.hook.stop = /bin/cp "
                     "/sys/fs/cgroup/%slxc.payload.%s/memory.%s %s\n",
                     p->unified ? "" : "memory/", p->order->mark,
                     p->unified ? "events" : "oom_control", p->at.end);
}

int lxc_config_write(struct buf *out, const struct lxc_plan *p, struct err *err)
{
    const char *name, *value;
    size_t at = 0;

    write_marks(out, p);
    write_root(out, p);
    write_network(out, p);
    write_limits(out, p);
    write_rights(out, p);
    write_end(out, p);
    if (kv_get(&p->env, "PATH") == NULL)
        (void)buf_text(out, "lxc.environment = PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:"
                            "/usr/bin:/sbin:/bin\n");
    while (kv_next(&p->env, &at, &name, &value) == 1)
        (void)buf_format(out, "lxc.environment = %s=%s\n", name, value);
    if (out->failed)
        return err_set(err, ERR_TOO_LARGE, "container_too_large",
                       "the description of container %s is too large", p->order->mark);
    return 0;
}
