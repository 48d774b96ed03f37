#ifndef SETT_RESTORE_SECRET_H
#define SETT_RESTORE_SECRET_H
/* Where the recovery secret comes from: a file (the recovery kit), shares, a passphrase, a person.
 */
#include "restore.h"
#include "signer.h"

#define SECRET_SHARES 16

struct restore_given {
    const char *recovery_file, *passphrase_file;
    const char *text; /* what somebody sent: a kit, a secret, shares, or a passphrase */
    const char *shares[SECRET_SHARES]; /* as text, or the name of a file that has it */
    size_t share_count;
    bool ask; /* a person may be asked */
};

/** restore_secret_find(given, source, secret, signers, err): put the secret together; a passphrase
 * becomes the secret that follows from it. ${signers}: the keys of the box that the kit names, as
 * for signer_is, or "". ${secret} is to be wiped. Return 0 or -1. */
int restore_secret_find(const struct restore_given *given, const struct chain *source,
                        struct restore_secret *secret, char signers[SIGNER_LIST], struct err *err);

#endif
