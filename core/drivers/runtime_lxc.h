#ifndef SETT_RUNTIME_LXC_H
#define SETT_RUNTIME_LXC_H
/*
 * The lxc runtime: a tenant is a system container made from a template (lxc_image.h), either its
 * own init, systemd say, or one command. lxc-start runs in the foreground as a supervised program
 * (process_group.h): so it outlives the hands, is started again when it ends, and comes back after
 * a boot. Its network is a bridge of its own (lxc_bridge.h, firewall.h), its port on 127.0.0.1 a
 * second supervised program, sett-forward. Needs root, and the packages lxc and nftables.
 *
 * A container's root is made anew when the blueprint names another image; other variables or limits
 * start it again. Its volumes outlive both.
 */
#include "process_group.h"
#include "runtime.h"

struct runtime_lxc_setup {
    const char *units;   /* folder of the process group */
    const char *lxc;     /* folder of the tenants' folders; made if missing */
    const char *images;  /* folder of templates */
    const char *tenants; /* folder of the tenants' volumes */
    const char *top;     /* the box's own folder, above all of these: containers' users must come
                          * through     what lies between; "" or NULL: they can */
    const char *pool;    /* of the tenants' networks: "10.202.0.0/16" */
    const char *forward; /* sett-forward's path */
    const char *box_id;  /* whose the containers are, for orders that do not say */
    bool idmap; /* users of their own; off only where the file system has no idmapped mounts */
    bool apart; /* containers and lxc's tools as units of systemd's (process_apart.h) */
    uint32_t restart_first_ms; /* process_group_setup; 0: its own */
};

/** runtime_lxc_new(out, setup, err): fill the table; make the bridges of the tenants that are
 * there, then start those that should be running. ERR_INVALID "lxc_missing" without the tools. 0 or
 * -1. */
int runtime_lxc_new(struct runtime *out, const struct runtime_lxc_setup *setup, struct err *err);

/** runtime_lxc_halt(r): stop all, but remember which should be running, for the next
 * runtime_lxc_new. */
void runtime_lxc_halt(struct runtime *r);

/** runtime_lxc_free(r): the tenants go on. */
void runtime_lxc_free(struct runtime *r);

/** runtime_lxc_known(r, number): whether that tenant has a container here. */
bool runtime_lxc_known(struct runtime *r, uint64_t number);

#endif
