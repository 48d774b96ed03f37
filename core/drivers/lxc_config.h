#ifndef SETT_LXC_CONFIG_H
#define SETT_LXC_CONFIG_H
/*
 * What a tenant's lxc container is: where its things lie, whose it is, and its configuration
 * (lxc.container.conf(5)). Below the folder of all lxc tenants each has a folder named by its mark:
 *   config   first the marks ("# sett.tenant = tn_…"), then what lxc reads; holds passwords: 0600
 *   root     its root file system, made from the image, thrown away with the container
 *   log      what its program says; trace: what lxc says; end: the memory group's last words
 * Its volumes are tenants/N/NAME, as with every runtime.
 */
#include "docker_network.h"
#include "runtime.h"

struct lxc_places {
    char folder[280], config[300], root[300], fresh[300], log[300], trace[300], end[300];
    char tenant[280];           /* tenants/N */
    char unit[24], forward[32]; /* of the process group: "12", "12-port" */
    char bridge[16], veth[16];  /* interfaces of the box */
};

struct lxc_marks { /* what the head of the configuration says */
    char tenant_id[ID_SIZE], box_id[ID_SIZE];
    uint64_t number;
    char image[200];
    bool boots; /* its own init, no command */
    struct docker_network network;
};

struct lxc_plan {
    const struct runtime_order *order;
    const struct blueprint *blueprint;
    struct lxc_places at;
    struct docker_network network;
    char address[16]; /* of the container */
    struct limits limits;
    struct kv vars, env;
    uint32_t base;       /* first of the 65536 ids that are its users outside; 0: not mapped */
    uint32_t uid, gid;   /* inside, who runs its command and owns its volumes */
    bool boots, unified; /* cgroup v2 alone */
};

/** lxc_places(out, o, lxc, tenants, err): where the tenant's things lie. Return 0 or -1. */
int lxc_places(struct lxc_places *out, const struct runtime_order *o, const char *lxc,
               const char *tenants, struct err *err);

/** lxc_marks_read(out, at, err): the marks of what is there. Return 1; 0 when nothing is, or an
 * empty folder; -1: ERR_CONFLICT "foreign_folder" when the folder holds something without our
 * marks. */
int lxc_marks_read(struct lxc_marks *out, const struct lxc_places *at, struct err *err);

/** lxc_plan_make(p, o, b, network, idmap, err): variables, environment, limits, from order and
 * blueprint; p->at was filled before; uid and gid are the caller's to find. ${o} and ${b} must
 * outlive the plan. Return 0 or -1. */
int lxc_plan_make(struct lxc_plan *p, const struct runtime_order *o, const struct blueprint *b,
                  const struct docker_network *network, bool idmap, struct err *err);

/**
 * lxc_config_write(out, p, err):
 * The text. What is decided here for every tenant: 65536 ids of its own, root and volumes mapped to
 * them (idmapped mounts, Linux 5.12); its own network, mounts, processes, cgroups; memory without
 * swap; no device but the usual harmless ones; no new privileges and, of root's capabilities, the
 * seven that docker_body.h names. One that boots an init of its own keeps those that an init needs
 * and that count inside its own namespaces only. Return 0 or -1.
 */
int lxc_config_write(struct buf *out, const struct lxc_plan *p, struct err *err);

#endif
