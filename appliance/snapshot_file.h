#ifndef SETT_SNAPSHOT_FILE_H
#define SETT_SNAPSHOT_FILE_H
/* What the commands about a snapshot's file share. */
#include "cli.h"
#include "verify.h"

/* The words of one of these commands. To be wiped. */
struct snapshot_words {
    const char *words[4], *signer, *out;
    unsigned count;
    bool has_secret;
    uint8_t secret[32];
    char passphrase[256];
    struct verify_keys keys;
};

/** snapshot_words_read(w, argc, argv, least, most, usage, err): so many words, and the options that
 * all of them have; the recovery secret is read. Return 0 or -1. */
int snapshot_words_read(struct snapshot_words *w, int argc, char **argv, unsigned least,
                        unsigned most, const char *usage, struct err *err);

#endif
