#ifndef SETT_ASKED_H
#define SETT_ASKED_H
/*
 * A restore of the whole box that was asked for over the API. The worker, who is replaced by it and
 * must not be root, leaves a request in a folder of its own below run/; whoever looks after the
 * programs (`sett run`, or sett-restore.path) starts `sett restore --asked`, which takes it. The
 * recovery secret goes through a pipe with a name, so it is never on a disk, and the worker knows
 * by it whether anybody came.
 */
#include <stdbool.h>
#include "buf.h"
#include "err.h"
#include "kv.h"
#include "paths.h"

#define ASKED_FOLDER                                                                               \
    "asked" /* below paths->snapshots: files that were fetched: 0.sett, 1.sett, … */
#define ASKED_SECRET   4096       /* at most: fits a pipe in one piece */
#define ASKED_PROGRESS "restore-" /* below paths->status: restore-<32 hex digits>.json */

/* What a request says. */
#define ASKED_CHECK  "check"    /* "1": only say what it would do */
#define ASKED_SIGNER "signer"   /* who is believed to have signed it, "" */
#define ASKED_NAME   "progress" /* the file that says how it goes */

/** asked_fetched(paths, out): the path of the newest file that was fetched. */
void asked_fetched(const struct paths *paths, char out[PATHS_SIZE + 32]);

/** asked_bytes(paths): how many bytes of its files are there. */
uint64_t asked_bytes(const struct paths *paths);

/** asked_hand_over(paths, request, secret, wait_ms, err): leave a request, and wait until somebody
 * has taken it and the secret. ERR_CONFLICT "restore_asked" while another one lies there;
 * ERR_UNAVAILABLE "nobody_restores" when nobody comes, and it is gone. Return 0 or -1. */
int asked_hand_over(const struct paths *paths, const struct kv *request, const char *secret,
                    int wait_ms, struct err *err);

/** asked_take(paths, request, secret, err): the other side: take it away, and read the secret into
 * ${secret}, to be wiped. Return 1, 0 if there is none, -1. */
int asked_take(const struct paths *paths, struct kv *request, char secret[ASKED_SECRET],
               struct err *err);

/** asked_progress(paths, request, out, err): the path of its file of progress: nothing but such a
 * file in that folder. Return 0 or -1. */
int asked_progress(const struct paths *paths, const struct kv *request, char out[PATHS_SIZE + 64],
                   struct err *err);

/** asked_sweep(paths): files of progress of restores before go, and files fetched over a day ago.
 */
void asked_sweep(const struct paths *paths);

#endif
