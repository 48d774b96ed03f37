#ifndef SETT_SFTP_H
#define SETT_SFTP_H
/*
 * A folder of an SSH server, over SFTP (draft-ietf-secsh-filexfer-02, as OpenSSH speaks it), by
 * libcurl and libssh2. The host is known by the SHA-256 of its key, as `ssh-keygen -lf` writes it.
 */
#include "transfer.h"

struct sftp_setup {
    const char *address;  /* sftp://user@host:port/path; /~/path begins at the user's home */
    const char *host_key; /* "SHA256:…" base64; never connected without */
    const char *secret;   /* a private key in PEM or OpenSSH's form, else a password */
    uint64_t bytes_per_s;
    uint32_t connect_s, silence_s; /* 0: 15 and 60 */
};

struct sftp_file {
    char name[256];
    uint64_t bytes;
};

struct sftp; /* a connection, kept open; used by one thread */

/** sftp_new(out, setup, err): no connection yet. ERR_INVALID. Return 0 or -1. */
int sftp_new(struct sftp **out, const struct sftp_setup *setup, struct err *err);

/** sftp_free(s): NULL is fine. */
void sftp_free(struct sftp *s);

/** sftp_host_key(text, out): "SHA256:…" or "sha256:…" with or without the padding, as libcurl wants
 * it: 43 characters of base64 and no padding. Return 0 or -1. */
int sftp_host_key(const char *text, char out[64]);

/** sftp_list(s, each, arg, err): the regular files of the folder. ERR_FORBIDDEN (another host key,
 * a credential that is not taken), ERR_NOT_FOUND (no such folder), ERR_NETWORK, ERR_TIMEOUT; the
 * others alike. Return 0 or -1. */
int sftp_list(struct sftp *s, int (*each)(void *arg, const struct sftp_file *file, struct err *err),
              void *arg, struct err *err);

/** sftp_put(s, name, fd, from, length, told, arg, err): bytes of ${fd} from ${from} up to
 * ${length}, behind the ${from} that are there. ERR_FULL. Return 0 or -1. */
int sftp_put(struct sftp *s, const char *name, int fd, uint64_t from, uint64_t length,
             transfer_told *told, void *arg, struct err *err);

/** sftp_get(s, name, from, take, arg, err): Return 0 or -1. */
int sftp_get(struct sftp *s, const char *name, uint64_t from, transfer_take *take, void *arg,
             struct err *err);

/** sftp_rename(s, from, to, err): ERR_CONFLICT where ${to} is there, or the server does not let us.
 * Return 0 or -1. */
int sftp_rename(struct sftp *s, const char *from, const char *to, struct err *err);

/** sftp_remove(s, name, err): ERR_FORBIDDEN where the server does not let us, or it is not there.
 * Return 0 or -1. */
int sftp_remove(struct sftp *s, const char *name, struct err *err);

#endif
