#ifndef SETT_PROXMOX_GUEST_H
#define SETT_PROXMOX_GUEST_H
/* One container of a Proxmox VE cluster: where it is, whose it is, and what is said of it when it
 * is made. For runtime_proxmox*.c only. */
#include "runtime_proxmox.h"

#define PROXMOX_MARK_SIZE 96
#define PROXMOX_TAG       "sett" /* what a list can be narrowed by; the mark alone says whose it is */
#define PROXMOX_TASK_MS   45000 /* a function waits so long for a task; asked again it goes on */

struct proxmox_seen {
    bool there, ours, running;
    char what[160]; /* of one that is not ours: for people */
    char lock[24];  /* "create", "migrate", …; "": none */
    char node[PROXMOX_NODE_SIZE];
    uint32_t memory_mib, cores, cpu_millis;
    uint64_t disk_gib, uptime_s;
    char tags[200], inside[64]; /* inside: "10.20.0.7/24" or "dhcp" */
};

/** proxmox_guest_find(api, o, seen, err): look for the container of this order wherever it is.
 * Nothing there is no error. Return 0 or -1. */
int proxmox_guest_find(struct proxmox *api, const struct runtime_order *o,
                       struct proxmox_seen *seen, struct err *err);

/** proxmox_guest_own(o, seen, err): it is there, ours, and nobody is at work at it. ERR_NOT_FOUND
 * "guest_missing", ERR_CONFLICT "guest_foreign" naming it, ERR_UNAVAILABLE "guest_busy". 0 or -1.
 */
int proxmox_guest_own(const struct runtime_order *o, const struct proxmox_seen *seen,
                      struct err *err);

/** proxmox_guest_path(out, o, seen, rest): "/nodes/NODE/lxc/VMID${rest}". */
void proxmox_guest_path(char out[PROXMOX_PATH_SIZE], const struct runtime_order *o,
                        const struct proxmox_seen *seen, const char *rest);

/** proxmox_guest_limits(o, b): the order's limits over the blueprint's, with what must be said. */
struct limits proxmox_guest_limits(const struct runtime_order *o, const struct blueprint *b);

/** proxmox_guest_form(out, setup, o, b, seen, err): what a container is to be, as a form: all of it
 * when ${seen} is not there, else only what differs. Return 0 or -1. */
int proxmox_guest_form(struct buf *out, const struct runtime_proxmox_setup *setup,
                       const struct runtime_order *o, const struct blueprint *b,
                       const struct proxmox_seen *seen, struct err *err);

/** proxmox_guest_mark(out, o): the line of its description that makes it ours. */
void proxmox_guest_mark(char out[PROXMOX_MARK_SIZE], const struct runtime_order *o);

/** proxmox_guest_whose(api, guest, box_id, tenant_id, number, err): whose it is, if its description
 * bears the mark of this box. Return 1, 0 if it does not or has gone, -1. */
int proxmox_guest_whose(struct proxmox *api, const struct proxmox_guest *guest, const char *box_id,
                        char tenant_id[ID_SIZE], uint64_t *number, struct err *err);

/** proxmox_guest_address(api, o, b, seen, out, err): "ADDRESS:PORT": the one it was given, else
 * what it says it has. ERR_UNAVAILABLE "no_address_yet". Return 0 or -1. */
int proxmox_guest_address(struct proxmox *api, const struct runtime_order *o,
                          const struct blueprint *b, const struct proxmox_seen *seen, char out[72],
                          struct err *err);

#endif
