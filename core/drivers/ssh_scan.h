#ifndef SETT_SSH_SCAN_H
#define SETT_SSH_SCAN_H
/* Which keys a host of SSH shows to whoever asks; that they are its own is for a person to say. */
#include <stdint.h>
#include "err.h"
#include "ssh_key.h"

#define SSH_SCAN_KEYS 4

struct ssh_scan {
    unsigned count;
    char lines[SSH_SCAN_KEYS][SSH_KEY_LINE_SIZE];
    char prints[SSH_SCAN_KEYS][SSH_KEY_PRINT_SIZE];
};

/** ssh_scan(out, host, port, err): its keys, Ed25519 first. ERR_NETWORK when none is shown. 0 or
 * -1. */
int ssh_scan(struct ssh_scan *out, const char *host, uint32_t port, struct err *err);

/** ssh_scan_find(scan, wanted): the line of the key that ${wanted} is, a line or "SHA256:…"; NULL
 * when the host shows none such. */
const char *ssh_scan_find(const struct ssh_scan *scan, const char *wanted);

#endif
