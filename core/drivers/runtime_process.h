#ifndef SETT_RUNTIME_PROCESS_H
#define SETT_RUNTIME_PROCESS_H
/*
 * The process runtime: a tenant is a supervised process of this machine, the default where there is
 * no container engine. Its folder is tenants/N (0700), its output tenants/N/.log, its volumes
 * folders below; it outlives the hands (process_group.h).
 *
 * With own_uid (root, on an installed box) tenant N runs as user and group 200000 + N (in an
 * unprivileged container 20000 + N: process_user.h), which need no entry in /etc/passwd, without
 * capabilities or new privileges; otherwise as the user that the hands run as. process_launch.h
 * says which limits hold; there is no limit of processor time, and nothing keeps one tenant from
 * seeing another's ports: a blueprint whose program is not trusted that far runs in a container.
 */
#include "process_group.h"
#include "runtime.h"

struct runtime_process_setup {
    struct process_group *group; /* stays the caller's, and must outlive the runtime */
    const char *tenants;         /* folder of the tenants' folders; made if missing */
    bool own_uid;
    bool apart; /* commands of a blueprint run as units of systemd's; as the group's programs do */
};

/** runtime_process_new(out, setup, err): Return 0 or -1. */
int runtime_process_new(struct runtime *out, const struct runtime_process_setup *setup,
                        struct err *err);

/** runtime_process_free(r): the tenants go on. */
void runtime_process_free(struct runtime *r);

#endif
