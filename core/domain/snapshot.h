#ifndef SETT_SNAPSHOT_H
#define SETT_SNAPSHOT_H
/*
 * What the box knows of its snapshots: to whom they are sealed, where they are kept, which there
 * are. The files themselves are backup/'s.
 */
#include "conf.h"
#include "db.h"
#include "id.h"
#include "job.h"

#define SNAPSHOT_NUMBERS "snapshot" /* what counts their numbers; not the table's name */

/* Whoever holds the secret half of this key can read the box's snapshots. */
struct recipient {
    char id[ID_SIZE];
    char name[64];           /* "recovery", "escrow" */
    char key[96];            /* "settrec1…", unique */
    uint32_t shares, needed; /* the secret was given out in so many shares; 0: whole */
    bool proven;             /* a part of the secret was asked back and was right */
    int64_t created_at, proven_at;
    uint8_t salt[16];            /* the secret follows from a passphrase: argon2id with this salt */
    uint32_t passes, memory_kib; /* and at this cost; passes 0: it does not */
};
extern const struct table recipient_table; /* key id; unique: name, key */

enum vault_kind { VAULT_FOLDER, VAULT_S3, VAULT_SFTP };
extern const char *const vault_kind_names[];

/* A place where snapshots are kept. Its credentials are secrets "vault:<id>". */
struct vault_place {
    char id[ID_SIZE];
    char name[64]; /* unique, a slug */
    uint32_t kind;
    char address[512];         /* folder: an absolute path; s3: https://host/bucket/prefix; sftp:
                                  sftp://user@host:port/path */
    char region[64];           /* s3 */
    char access_key[128];      /* s3: the public half of the credential */
    char host_key[160];        /* sftp: what the host must prove to be: "sha256:…" */
    uint64_t bytes_per_s;      /* at most, when sending; 0: as fast as it goes */
    bool enabled, append_only; /* append_only: nothing is ever deleted there by the box */
    char problem[240];         /* why it could not be used last; "" */
    int64_t used_at, failed_at, created_at, updated_at;
};
extern const struct table vault_place_table; /* key id; unique: name */

enum snapshot_state {
    SNAPSHOT_WRITING,
    SNAPSHOT_SENDING, /* whole and verified here, on its way to its vaults */
    SNAPSHOT_DONE,
    SNAPSHOT_FAILED,
    SNAPSHOT_GONE,    /* deleted everywhere, by retention or by hand */
    SNAPSHOT_IMPORTED /* brought by somebody, perhaps another box's: nothing counts on it */
};
extern const char *const snapshot_state_names[];

struct snapshot {
    char id[ID_SIZE];
    uint64_t number; /* unique; grows */
    uint32_t state;
    char state_reason[240];
    char file[128];          /* its name in every vault */
    char tenant_id[ID_SIZE]; /* "" : the whole box */
    uint8_t uid[16];         /* the id in its header */
    uint8_t hash[32];        /* of its header */
    uint8_t base_uid[16];    /* all zero: it restores by itself */
    uint32_t chain;          /* how many files a restore reads, 1 or more */
    char base_id[ID_SIZE];
    uint64_t bytes, files, kept, changed, skipped, source_bytes;
    uint32_t tenants; /* whose volumes are in it */
    bool verified;    /* read back whole, before it was called done */
    int64_t created_at, done_at, verified_at, proven_at, took_ms; /* proven: drilled */
    char job_id[ID_SIZE];
    bool missed; /* a vault that was to have it could not be reached: it is brought there later */
    uint32_t troubled; /* tenants whose blueprints' backup rules failed; their files are in it */
};
extern const struct table snapshot_table; /* key id; unique: number; index: state, tenant_id, uid */

/* That a snapshot is in a vault. */
struct snapshot_copy {
    char snapshot_id[ID_SIZE], vault_id[ID_SIZE];
    uint64_t bytes;
    int64_t stored_at, checked_at, proven_at;
    char problem[240];
};
extern const struct table snapshot_copy_table; /* key snapshot_id, vault_id; index: vault_id */

/** snapshot_resolve(txn, text, snapshot, err): by id or number. Return 1, 0 or -1. */
int snapshot_resolve(struct txn *txn, const char *text, struct snapshot *snapshot, struct err *err);

/** snapshot_newest(txn, tenant_id, snapshot, err): the newest that is done, of the whole box
 * (${tenant_id} "") or of one tenant. Return 1, 0 or -1. */
int snapshot_newest(struct txn *txn, const char *tenant_id, struct snapshot *snapshot,
                    struct err *err);

/** snapshot_new(txn, conf, tenant_id, s, err): a record of one that is to be written. 0 or -1. */
int snapshot_new(struct txn *txn, const struct conf *conf, const char *tenant_id,
                 struct snapshot *s, struct err *err);

/** snapshot_start(txn, conf, tenant_id, vault_id, full, s, job, err): the record, and saga,
 * arguments and subject of the job that writes it; the caller starts that (job_start) and notes its
 * id in the record. ${tenant_id} "": the whole box; ${vault_id} "": all enabled vaults. As
 * snapshot_ready. Return 0 or -1. */
int snapshot_start(struct txn *txn, const struct conf *conf, const char *tenant_id,
                   const char *vault_id, bool full, struct snapshot *s, struct job *job,
                   struct err *err);

/** snapshot_put(txn, snapshot, err): store a changed one. Return 0 or -1. */
int snapshot_put(struct txn *txn, const struct snapshot *snapshot, struct err *err);

/** snapshot_ready(txn, vault_id, err): that one can be made: there is a recovery key, and an
 * enabled vault, or the one that ${vault_id} names if it is not "". ERR_CONFLICT "no_recovery_key",
 * "no_vault". Return 0 or -1. */
int snapshot_ready(struct txn *txn, const char *vault_id, struct err *err);

/** recipient_count(txn, err): how many there are. -1 on error. */
int64_t recipient_count(struct txn *txn, struct err *err);

#endif
