#ifndef SETT_DRIFT_H
#define SETT_DRIFT_H
/*
 * Drift: where what is outside is not what the records want. A finding is about one object outside
 * (or one that should be there) and says what is desired, what was recorded last, and what is
 * actual. Somebody then accepts it, has it reverted, or ignores it until a day. What bears no mark
 * of this box is never a finding.
 */
#include "db.h"
#include "id.h"

struct job;

#define DRIFT_DRILL 999999999u /* a tenant's number that is a drill's: nobody's, and gone soon */

enum drift_kind {
    DRIFT_TUNNEL,    /* a tunnel at the provider */
    DRIFT_RULES,     /* its configuration */
    DRIFT_DNS,       /* a DNS record */
    DRIFT_CONNECTOR, /* the unit that runs a tunnel here */
    DRIFT_ROUTE,     /* a line of the web server's map */
    DRIFT_RUNTIME,   /* a container or process */
    DRIFT_FOLDER     /* a tenant's data */
};
extern const char *const drift_kind_names[];

enum drift_verdict {
    DRIFT_MISSING, /* it should be there and is not */
    DRIFT_DIFFERS, /* it is there, in another state than it should be */
    DRIFT_ORPHAN   /* it is there, with our mark, and no record wants it */
};
extern const char *const drift_verdict_names[];

enum drift_state {
    DRIFT_OPEN,
    DRIFT_IGNORED,   /* until ignore_until */
    DRIFT_ACCEPTED,  /* as long as it stays as it is */
    DRIFT_REVERTING, /* job_id is at work on it */
    DRIFT_GONE       /* a later scan found it in order */
};
extern const char *const drift_state_names[];

#define DRIFT_TEXT_SIZE 400

struct drift {
    char id[ID_SIZE];
    uint32_t kind, verdict, state;
    char thing[192]; /* what it is outside: "docker 12", "record 372e…", "tunnel c174…" */
    char name[256];  /* for people: a host name, "sett-t000012" */
    char tenant_id[ID_SIZE], tunnel_id[ID_SIZE], domain_id[ID_SIZE]; /* whose it is, or "" */
    char desired[DRIFT_TEXT_SIZE], recorded[DRIFT_TEXT_SIZE], actual[DRIFT_TEXT_SIZE];
    char remedy[240]; /* what a revert does; "" when it cannot be reverted by us */
    char reason[240]; /* who accepted or ignored it, and why */
    char job_id[ID_SIZE];
    uint64_t scan; /* number of the scan that saw it last */
    int64_t ignore_until, first_seen_at, seen_at, updated_at;
};
/* key id; unique: place {kind, thing}; index: state, tenant_id (sparse) */
extern const struct table drift_table;

enum drift_scan_state { DRIFT_SCAN_IDLE, DRIFT_SCAN_WANTED, DRIFT_SCAN_RUNNING };
extern const char *const drift_scan_state_names[];

/* How far looking has come: one record. */
struct drift_scan {
    uint32_t id; /* always 1 */
    uint32_t state;
    uint64_t number; /* of the scan that runs or ran last */
    char actor[64];  /* who wanted it; "" for the clock */
    uint32_t looked, found, open;
    char unread[400]; /* what could not be looked at, and why; nothing is concluded from it */
    int64_t wanted_at, started_at, ended_at;
    uint32_t held;        /* records that were passed over, since something is at work on them */
    char held_why[400];   /* the first few of them, and what holds them */
    uint64_t tunnel_most; /* highest number in a name of ours that the provider knows */
};
extern const struct table drift_scan_table; /* key id */

/** drift_scan_get(txn, scan, err): as it stands; all zero before the first. Return 0 or -1. */
int drift_scan_get(struct txn *txn, struct drift_scan *scan, struct err *err);

/** drift_scan_want(txn, actor, scan, err): have the worker look now; fine if it does. The record as
 * it then is goes to ${scan}. Return 0 or -1. */
int drift_scan_want(struct txn *txn, const char *actor, struct drift_scan *scan, struct err *err);

/** drift_note(txn, found, err): a scan found this: kind, verdict, thing, name, owners, the three
 * texts, remedy and scan are set. One that is known keeps its state, unless it was gone, its day
 * has come, or the actual text of an accepted one has changed: then it is open. 0 or -1. */
int drift_note(struct txn *txn, const struct drift *found, struct err *err);

/** drift_settle(txn, scan, kinds, bite, err): findings of the kinds whose bit is set in ${kinds}
 * that scan ${scan} did not see are gone; those gone for a week are deleted. At most ${bite} are
 * changed. Return how many, or -1. */
int drift_settle(struct txn *txn, uint64_t scan, unsigned kinds, int bite, struct err *err);

/** drift_put(txn, item, err): store a changed one; updated_at is set here. 0 or -1. */
int drift_put(struct txn *txn, struct drift *item, struct err *err);

/** drift_count_open(txn, err): how many are open. -1 on error. */
int64_t drift_count_open(struct txn *txn, struct err *err);

/** drift_job(item, job): fill in saga, arguments and subject of the job that reverts it. */
void drift_job(const struct drift *item, struct job *job);

#endif
