#ifndef SETT_PROXMOX_MAKE_H
#define SETT_PROXMOX_MAKE_H
/* How a container of Proxmox VE is made. For runtime_proxmox.c only. */
#include "proxmox_guest.h"

/** proxmox_make(setup, o, b, err): make the container, from a template or as a clone; it is not
 * started. proxmox_vmid_taken: something has its number. Return 0 or -1. */
int proxmox_make(const struct runtime_proxmox_setup *setup, const struct runtime_order *o,
                 const struct blueprint *b, struct err *err);

/** proxmox_make_so(setup, o, b, seen, err): bring its limits, its network and the size of its disk
 * to what order and blueprint say. Return 0 or -1. */
int proxmox_make_so(const struct runtime_proxmox_setup *setup, const struct runtime_order *o,
                    const struct blueprint *b, const struct proxmox_seen *seen, struct err *err);

/** proxmox_make_where(setup, o, b, nodes, not_on, node, err): see runtime_proxmox_place. */
int proxmox_make_where(const struct runtime_proxmox_setup *setup, const struct runtime_order *o,
                       const struct blueprint *b, const char *nodes, const char *not_on,
                       char node[PROXMOX_NODE_SIZE], struct err *err);

#endif
