#ifndef SETT_ANSWER_PROXMOX_H
#define SETT_ANSWER_PROXMOX_H
/* What Proxmox VE allows and has; see answer.h. */
#include "answer.h"

/** answer_proxmox(s, params, out, err): its version, its nodes with what they have free and why one
 * takes no container, and each thing that is missing with its remedy. JSON. Return 0 or -1. */
int answer_proxmox(const struct answer_setup *s, const struct kv *params, struct buf *out,
                   struct err *err);

#endif
