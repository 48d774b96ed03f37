#ifndef SETT_STEPS_SNAPSHOT_H
#define SETT_STEPS_SNAPSHOT_H
/*
 * The steps of a snapshot. Arguments: tenant_id (of that tenant alone), full ("1": restores by
 * itself), vault_id (into that one only).
 */
#include "backup.h"

/* Facts: set by begin, */
#define SNAP_ID         "snapshot_id"
#define SNAP_NUMBER     "number"
#define SNAP_FILE       "file"
#define SNAP_UID        "uid"
#define SNAP_CREATED    "created"
#define SNAP_BOX        "box_id"
#define SNAP_PREVIOUS   "previous" /* header hash of the one before, hex */
#define SNAP_BASE       "base_id"
#define SNAP_BASE_UID   "base_uid"
#define SNAP_BASE_HASH  "base_hash"
#define SNAP_BASE_CHAIN "base_chain"
#define SNAP_ESTIMATE   "estimate"   /* bytes that the one before read */
#define SNAP_ROOM       "room"       /* bytes that the one before took */
#define SNAP_VAULTS     "vaults"     /* ids, with blanks between */
#define SNAP_EVERYWHERE "everywhere" /* "1": these are all that there are */
/* by write, */
#define SNAP_HASH     "hash"
#define SNAP_BYTES    "bytes"
#define SNAP_FILES    "files"
#define SNAP_KEPT     "kept"
#define SNAP_CHANGED  "changed"
#define SNAP_SKIPPED  "skipped"
#define SNAP_SOURCE   "source"
#define SNAP_TENANTS  "tenants"
#define SNAP_TOOK     "took_ms"
#define SNAP_TROUBLED "troubled" /* tenants whose blueprint's backup rules failed */
#define SNAP_TROUBLE  "trouble"  /* the first of them, and why */
#define SNAP_BUILT    "built"    /* "1": it builds on the base */
/* by send. */
#define SNAP_SENT   "sent"   /* ids of vaults that have it */
#define SNAP_MISSED "missed" /* lines: id of a vault, a blank, why it has it not */

#define SNAP_SECRET "file_key" /* among the step's secrets, in hex */
#define SNAP_CHAIN  7          /* most files that a restore reads */

/* A record with its number and name; what it builds on, if all vaults have that. ERR_PRECONDITION
 * without a recovery key or a vault. */
step_store steps_snapshot_begin;

/** steps_snapshot_key(txn, job, context, secrets, err): the file key, made once. 0 or -1. */
int steps_snapshot_key(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                       struct err *err);

/* The file, whole and verified, beside the vaults; and the way back. */
step_outside steps_snapshot_write, steps_snapshot_unwrite;
/* What was written, into its record. */
step_store steps_snapshot_written;
/* A copy in each vault; and the way back. One vault that cannot be reached does not cost the others
 * theirs: it is noted. */
step_outside steps_snapshot_send, steps_snapshot_unsend;
/* Done: each vault's copy noted; file keys of older ones go. */
step_store steps_snapshot_done;
/* The file that was written here goes; what it holds is remembered for the next. */
step_outside steps_snapshot_clear;
/* One that was undone has failed, with the cause. */
step_store steps_snapshot_ended;

/** steps_snapshot_plan_write(job, out, size): what would go into it. 0, or -1: it does not fit. */
int steps_snapshot_plan_write(const struct job *job, char *out, size_t size);

/** steps_snapshot_plan_send(job, out, size): where it would go. 0 or -1. */
int steps_snapshot_plan_send(const struct job *job, char *out, size_t size);

/** steps_snapshot_path(out, paths, facts, end): of the file while it is here; ${end}: ".part". */
void steps_snapshot_path(char out[PATHS_SIZE + 160], const struct paths *paths,
                         const struct kv *facts, const char *end);

/** steps_snapshot_catalog(out, paths, tenant_id): where what it holds is remembered. */
void steps_snapshot_catalog(char out[PATHS_SIZE + 64], const struct paths *paths,
                            const char *tenant_id);

/** steps_snapshot_outcome(err): whether trying again may help. */
enum outcome steps_snapshot_outcome(const struct err *err);

#endif
