#ifndef SETT_HANDS_H
#define SETT_HANDS_H
/*
 * The hands: the one process with power over containers, units and files. A request is one struct
 * with a verb from a closed list, numbers, a blueprint's name and bounded values; image, mounts,
 * capabilities and commands never cross. This header is what both sides share.
 *
 * What each verb wants of the request, and what it answers with (beyond outcome and err):
 *   RUNTIME_*         number, tenant_id, job_id, box_id, blueprint, port, limits, env; all but
 *                     LOGS, STATS, REMOVE answer with status; ABSENT: inspect, logs, stats of what
 *                     is not there. INIT runs what has not run yet; each may take minutes
 *   RUNTIME_FIT       as INSPECT; OK: it could take the tenant over with all that its folder holds
 *   PORT_PROBE        port, number (its own process does not count): present: somebody listens,
 *                     owner says who
 *   ROUTE_SET         hostname, port, number of the tunnel, flag; back when the web server knows it
 *   ROUTE_UNSET       hostname, number; ROUTE_SHOW: hostname; answers with port, number and
 *                     maintenance; or ABSENT
 *   CONNECTOR_*       number of the tunnel; START: secret, and rules where they are files of this
 * box (cloudflared's JSON; the hands write config.yml and credentials from rules and secret, and a
 * change restarts it; flag: those files stay as they are); STATUS: running, pid, restarts, port (of
 * its metrics, on 127.0.0.1); ABSENT when there is none INVENTORY         box_id; number: only what
 * comes behind it. Streams a line each, in the order of numbers: "runtime N NAME STATE TENANT ID",
 * "folder N", "connector N STATE WANTED", "route N HOST PORT STATE"; first, "unread NAME WHY" of a
 * runtime that could not be asked. present: there is more behind number SURVEY            box_id;
 * env: for each of at most HANDS_SURVEY_MOST tenants "T<number>" with
 *                     "<tenant_id> <blueprint>". Streams a line each: "N OUTCOME CPU_NS MEMORY
 *                     MEMORY_LIMIT PIDS RECEIVED SENT STORAGE TOOK_MS"
 *   QUIET             as RUNTIME_INIT: around the reading of the tenant's files, what its blueprint
 *                     says under [backup] (quiet.h): the commands before, the pause; a message of
 *                     one byte says that it is quiet. Then the hands wait until the asker says
 *                     something or is gone, or the blueprint's time is over; the tenant goes on,
 *                     the commands after are run, and the reply follows. flag: the blueprint wants
 *                     what fails to fail the snapshot; present: it was quiet
 *   EXCHANGE          number, tenant_id: of a tenant that was stopped: what was restored beside its
 *                     folder (".restored-N") becomes it, and it is kept (".before-N"); flag: back.
 *                     Fine if that is so already; FAIL when nothing waits
 *   VOLUMES           number of the tenant; 0: the hands' own folder; blueprint: whose patterns say
 *                     what is left out, "": nothing is. Answers with messages of
 *                     entries and descriptors before the reply (volumes.h, volumes_fetch)
 *
 *   RECEIVE           number, tenant_id, limits.storage_bytes: of all files; then messages of
 *                     entries (volumes_say.h), an empty one at the end: a tenant's folder out of a
 *                     snapshot, laid beside its own (".restored-N") for EXCHANGE, whole or not at
 *                     all. FAIL "not_committed" while an earlier one is kept
 *
 *   DISCARD           number, tenant_id: what waits beside a tenant's folder goes; flag: and what
 *                     is kept of before. ABSENT: there was nothing
 *
 *   JOURNAL           lines: the newest so many of each source; runtime: front, worker, hands, web,
 *                     connectors, or "" for all; number: of connectors only this tunnel's; env:
 *                     SINCE and UNTIL (ms), LEVEL, TEXT. Streams a line each: "SOURCE AT LEVEL
 *                     TEXT", a source's own lines in their order
 *
 *   PROGRAMS          streams "program NAME PID PSS STARTED RESTARTS BEAT" for each program and the
 *                     web server, "connector NUMBER …" alike for at most 100; -1: not known; PID 0:
 *                     it does not run; flag: "version NAME TEXT", too
 *
 *   LINK_*            number of the engine; START: service "user@host:port", secret (the seed of
 *                     our key, base64), env: SOCKET there, HOST_KEY that it must prove to have;
 *                     fine if it runs so. STATUS: present, running, pid, restarts. PORT: port, the
 *                     same on both sides' loopback
 *
 *   ENGINE_LOCAL      streams one JSON object: what the engine of [hands] docker_socket says of
 *                     itself, and what this machine lets it do
 *
 * A process that ends within a moment of its start, a blueprint's command that fails, a web server
 * that refuses its map: AGAIN with what it said. FAIL: what asking again would not change.
 */
#include "field.h"
#include "outcome.h"
#include "runtime.h"
#include "supervisor.h"

enum hands_verb {
    HANDS_PING,
    HANDS_PORT_PROBE,     /* can the port be bound? else who has it */
    HANDS_RUNTIME_CREATE, /* flag: its volumes' files were another runtime's */
    HANDS_RUNTIME_START,
    HANDS_RUNTIME_STOP,
    HANDS_RUNTIME_RESTART,
    HANDS_RUNTIME_REMOVE, /* flag: with its data */
    HANDS_RUNTIME_INSPECT,
    HANDS_RUNTIME_LOGS, /* lines; answer streamed */
    HANDS_RUNTIME_STATS,
    HANDS_RUNTIME_INIT, /* run the blueprint's init commands that have not yet run */
    HANDS_ROUTE_SET,    /* local ingress: hostname -> port; flag: in maintenance */
    HANDS_ROUTE_UNSET,
    HANDS_ROUTE_SHOW,
    HANDS_CONNECTOR_START, /* secret: the token */
    HANDS_CONNECTOR_STOP,  /* and forget the token */
    HANDS_CONNECTOR_RESTART,
    HANDS_CONNECTOR_STATUS,
    HANDS_CONNECTOR_LOGS,
    HANDS_RUNTIME_FIT, /* could this blueprint's runtime take the tenant over with its data? */
    HANDS_INVENTORY,   /* all that is here with this box's mark; answer streamed */
    HANDS_SURVEY,      /* what many tenants use; answer streamed */
    HANDS_RETIRE,      /* end; whoever supervises the hands starts them again; tenants run on */
    HANDS_VOLUMES,     /* a tenant's files, opened for reading: volumes.h */
    HANDS_EXCHANGE,    /* a stopped tenant's volumes against those that wait beside them */
    HANDS_QUIET,       /* what its blueprint wants done around the reading of its files */
    HANDS_RECEIVE,     /* a tenant's volumes from a snapshot, to wait there */
    HANDS_DISCARD,     /* what waits goes; flag: what is kept, too */
    HANDS_JOURNAL,     /* lines of our own programs' logs; answer streamed */
    HANDS_PROGRAMS,    /* what runs of the box; flag: versions too; answer streamed */
    HANDS_LINK_START,  /* the ssh that brings an engine of another machine here */
    HANDS_LINK_STOP,   /* and forget its key */
    HANDS_LINK_STATUS,
    HANDS_LINK_LOGS,
    HANDS_LINK_PORT,    /* a port of it; flag: no longer */
    HANDS_ENGINE_LOCAL, /* what this box's own engine is; answer streamed */
    HANDS_VERBS
};
extern const char *const hands_verb_names[];

#define HANDS_RULES_SIZE 16384

struct hands_request {
    uint32_t verb;
    uint64_t number; /* of the tenant; connectors: of the tunnel */
    char tenant_id[ID_SIZE], job_id[ID_SIZE], box_id[ID_SIZE];
    char blueprint[32];
    uint32_t port, lines;
    bool flag;
    struct limits limits;
    char hostname[256], service[160];
    char secret[512];
    char rules[HANDS_RULES_SIZE];
    struct kv env;
    char runtime[16]; /* RUNTIME_REMOVE of what no record wants: in this runtime, whatever a
                         blueprint says; then blueprint and tenant_id may be empty */
    uint32_t address; /* ROUTE_SET: IPv4 of another machine, 0: this box */
};
extern const struct fields hands_request_fields;

struct hands_reply {
    uint32_t outcome; /* enum outcome */
    uint32_t err_kind, retry_after_s;
    char err_code[ERR_CODE_SIZE], err_text[ERR_TEXT_SIZE], err_hint[ERR_HINT_SIZE];
    bool present, running;
    struct runtime_status status;
    struct runtime_stats stats;
    uint32_t pid, restarts;
    char owner[96];   /* PORT_PROBE: who has it */
    uint32_t port;    /* ROUTE_SHOW, CONNECTOR_STATUS */
    uint64_t number;  /* ROUTE_SHOW: the tunnel whose route it is */
    bool maintenance; /* ROUTE_SHOW: visitors get the page of maintenance */
    uint32_t address; /* ROUTE_SHOW: 0: this box */
    bool flag;        /* QUIET: what fails is to fail the snapshot */
};
extern const struct fields hands_reply_fields;

#define HANDS_VERSION     1 /* first byte of request and reply; then the fields */
#define HANDS_STREAM_MAX  (1024u * 1024u)
#define HANDS_LINES_MAX   10000
#define HANDS_SURVEY_MOST 32

/** hands_order(request, order): the order that a request about a tenant means to a runtime. Where a
 * provider put it is not the request's to say: guest, node and inside stay as they are. */
void hands_order(const struct hands_request *request, struct runtime_order *order);

/** hands_unit_name(out, number): "sett-tunnel@12", the unit of that tunnel's connector. */
void hands_unit_name(char out[64], uint64_t number);

/** hands_judge(reply, err): what a reply means: 0 for OK and ABSENT, else -1 and the hands' own
 * error. */
int hands_judge(const struct hands_reply *reply, struct err *err);

/** hands_call(sock, request, timeout_ms, reply, stream, err): ask the hands at socket ${sock}. For
 * the LOGS verbs the text is appended to ${stream}. Return the outcome; anything but OK and ABSENT
 * fills ${err} (hands unreachable: AGAIN, ERR_UNAVAILABLE; no answer in time: AGAIN,
 * ERR_TIMEOUT). */
enum outcome hands_call(const char *sock, const struct hands_request *request, int timeout_ms,
                        struct hands_reply *reply, struct buf *stream, struct err *err);

/** hands_talk(sock, request, more, arg, timeout_ms, reply, err): as hands_call, and before the
 * reply is waited for (so long) ${more} speaks to the connection ${fd}; it returns 0, or -1 having
 * filled err: then the connection is cut. */
enum outcome hands_talk(const char *sock, const struct hands_request *request,
                        int (*more)(void *arg, int fd, struct err *err), void *arg, int timeout_ms,
                        struct hands_reply *reply, struct err *err);

#endif
