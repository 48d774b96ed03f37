#ifndef SETT_RESTORE_SECRET_H
#define SETT_RESTORE_SECRET_H
/* Where the recovery secret comes from: a file (the recovery kit), shares, a passphrase, a person.
 */
#include "restore.h"

#define SECRET_SHARES 16

struct restore_given {
    const char *recovery_file, *passphrase_file;
    const char *shares[SECRET_SHARES]; /* as text, or the name of a file that has it */
    size_t share_count;
    bool ask; /* a person may be asked */
};

/** restore_secret_find(given, source, secret, signer, err): put the secret together. ${signer}: the
 * key of the box that the kit names, in hex, or "". ${secret} is to be wiped. Return 0 or -1. */
int restore_secret_find(const struct restore_given *given, const struct chain *source,
                        struct restore_secret *secret, char signer[65], struct err *err);

/** restore_secret_signer(keys, out): the public half of this box's own signing key, of the folder
 * ${keys}, in hex. Return 0 or -1: there is none. */
int restore_secret_signer(const char *keys, char out[65]);

#endif
