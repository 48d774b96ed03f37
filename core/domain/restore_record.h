#ifndef SETT_RESTORE_RECORD_H
#define SETT_RESTORE_RECORD_H
/*
 * What the box knows of its restores. The record of one lies in the store that it brought back: it
 * is written there before that store takes the place of the other, so whoever opens it knows.
 */
#include "db.h"
#include "drift.h"
#include "id.h"
#include "job.h"
#include "tenant.h"

enum restore_state {
    RESTORE_RECONCILING, /* the box's records are older than what is outside: sagas are paused */
    RESTORE_RESUMED,
    RESTORE_COMMITTED, /* what was before is gone */
    /* of one tenant's data: */
    RESTORE_RUNNING,
    RESTORE_RESTORED, /* what it had before is kept */
    RESTORE_FAILED,   /* the tenant is as it was */
    RESTORE_ROLLED_BACK
};
extern const char *const restore_state_names[];

struct restore_record {
    char id[ID_SIZE];
    uint32_t state;
    char scope[64]; /* "box", "tenant tn_…" */
    char file[240];
    char box_id[ID_SIZE];     /* of the box that wrote the snapshot */
    uint64_t snapshot_number; /* among that box's */
    uint8_t snapshot_uid[16], snapshot_digest[32];
    uint64_t chain_head; /* number of the newest audit record in it */
    char before[96];     /* name of the tree from before, beside live/ */
    char lost[400];      /* what came after the snapshot and is not in it */
    char problem[240];   /* why it does not go on by itself */
    char actor[64];
    bool auto_resume;
    bool events_read; /* Stripe's since the snapshot */
    uint32_t events;  /* how many of them were new */
    uint64_t scan;    /* number of the last scan for drift before it */
    int64_t snapshot_at, restored_at, resumed_at, committed_at;
    /* of one tenant's data, restored through the API: */
    char tenant_id[ID_SIZE]; /* whose data was replaced; "": the whole box */
    char of_id[ID_SIZE];     /* whose data it is, in the snapshot */
    char snapshot_id[ID_SIZE], job_id[ID_SIZE];
    int64_t started_at;
};
extern const struct table restore_table; /* key id; index: state */

/** restore_newest(txn, record, err): of the whole box. Return 1, 0 if there was none, or -1. */
int restore_newest(struct txn *txn, struct restore_record *record, struct err *err);

/** restore_paused(txn, record, err): whether the sagas are paused; *${record} is the reason. Return
 * 1, 0 or -1. */
int restore_paused(struct txn *txn, struct restore_record *record, struct err *err);

/** restore_key_name(out, id): of the secret that holds file keys for restore ${id} while it runs.
 */
void restore_key_name(char out[96], const char *id);

/** restore_get(txn, id, record, err): Return 1, 0 or -1. */
int restore_get(struct txn *txn, const char *id, struct restore_record *record, struct err *err);

/** restore_of_tenant(txn, tenant_id, record, err): the newest of one tenant's data that is neither
 * over nor decided upon: running, or restored and kept. Return 1, 0 or -1. */
int restore_of_tenant(struct txn *txn, const char *tenant_id, struct restore_record *record,
                      struct err *err);

/** restore_gave_up(txn, job, err): the job that was to come before a restore's own has ended, and
 * not well: so its record says, if ${job} was for one. Return 0 or -1. */
int restore_gave_up(struct txn *txn, const struct job *job, struct err *err);

struct restore_databases {
    uint32_t waiting, stuck; /* jobs that put one back: under way; in need of a person */
};

/** restore_databases(txn, out, err): how it stands with the databases of a restored box: until none
 * waits or is stuck its sagas stay paused. Return 0 or -1. */
int restore_databases(struct txn *txn, struct restore_databases *out, struct err *err);

/** restore_database_wanted(txn, tenant, err): start the job that puts its database back from the
 * dump that lies in the box's databases/. Nothing if it has none. Return 0 or -1. */
int restore_database_wanted(struct txn *txn, const struct tenant *tenant, struct err *err);

/** restore_database_swept(txn, kept, err): start a job for each tenant that drops those of its
 * databases that it does not use: with ${kept} of tenants that keep one, which they let go of;
 * else of all that have one, and what is kept stays. Return 0 or -1. */
int restore_database_swept(struct txn *txn, bool kept, struct err *err);

/** restore_put(txn, record, err): store a changed one. Return 0 or -1. */
int restore_put(struct txn *txn, const struct restore_record *record, struct err *err);

/** restore_harmless(item): a finding that comes of the restore itself and is mended without
 * touching anybody else's: a program, connector or route that the records want and that does not
 * run. */
bool restore_harmless(const struct drift *item);

/** restore_raise(txn, err): numbers that things outside bear, as the last look found them, are
 * given to no new tenant or tunnel. Return 0 or -1. */
int restore_raise(struct txn *txn, struct err *err);

/** restore_resume(txn, record, actor, started, err): the sagas may go on; of what was found,
 * everything harmless gets a job that mends it: *${started}. ERR_CONFLICT "not_scanned" before the
 * look at what is outside has ended, "databases_waiting" before all databases are back. Return 0 or
 * -1. */
int restore_resume(struct txn *txn, struct restore_record *record, const char *actor,
                   uint32_t *started, struct err *err);

#endif
