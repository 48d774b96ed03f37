#ifndef SETT_PROXMOX_H
#define SETT_PROXMOX_H
/*
 * The API of Proxmox VE, as far as containers need it: a token, calls, tasks, what a cluster has to
 * offer. Facts of Proxmox's own documentation and sources, versions 7.4 to 9.1: the words of an
 * error stand in the status line; whatever changes something answers at once with the name of a
 * task (UPID), and only the end of that task says whether it came to pass.
 */
#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "err.h"

struct cJSON;
struct http_client;

#define PROXMOX_PATH_SIZE 512
#define PROXMOX_NODES     64
#define PROXMOX_NODE_SIZE 64
#define PROXMOX_UPID_SIZE 256

struct proxmox {
    char url[256];   /* "https://pve.example.com:8006" */
    char token[300]; /* "cp@pve!control=UUID" */
    char who[128];   /* the part before the "=" */
    struct http_client *client;
    char pool[64]; /* rights reach only as far as this resource pool; "": not that way */
};

/** proxmox_init(p, url, token_id, token, client, err): ${token_id}: USER@REALM!NAME; ${token}: its
 * secret. ${client} is the caller's, already told whom to trust, and outlives it. 0 or -1. */
int proxmox_init(struct proxmox *p, const char *url, const char *token_id, const char *token,
                 struct http_client *client, struct err *err);

/** proxmox_free(p): forget the token. */
void proxmox_free(struct proxmox *p);

/** proxmox_call(p, method, path, form, json, err): ${path} below /api2/json; ${form}: made by
 * http_form, or NULL; the query of GET and DELETE. *json: the whole answer, to be freed with
 * json_free; ${json} NULL: not wanted. Codes: proxmox_token_wrong, proxmox_permission,
 * proxmox_no_guest, proxmox_vmid_taken, proxmox_locked, proxmox_running, proxmox_stopped,
 * proxmox_too_old, proxmox_node_silent, proxmox_refused, proxmox_failed, proxmox_garbled. 0 or -1.
 */
int proxmox_call(struct proxmox *p, const char *method, const char *path, const struct buf *form,
                 struct cJSON **json, struct err *err);

/** proxmox_answer(p, status, reason, text, len, json, err): what an answer means; see proxmox_call.
 * Return 0 or -1. */
int proxmox_answer(const struct proxmox *p, long status, const char *reason, const char *text,
                   size_t len, struct cJSON **json, struct err *err);

/* ---- tasks: proxmox_task.c ---- */

struct proxmox_upid {
    char node[PROXMOX_NODE_SIZE], type[32], id[64], user[96];
    uint32_t started; /* seconds since 1970 */
};

/** proxmox_upid_read(out, text): the parts of "UPID:node:pid:pstart:start:type:id:user:". 0 or -1.
 */
int proxmox_upid_read(struct proxmox_upid *out, const char *text);

/** proxmox_task(p, method, path, form, wait_ms, err): a call that starts a task, and its end.
 * proxmox_task_running (ERR_TIMEOUT) when it goes on after ${wait_ms}: it is not broken off. The
 * words of a task that failed are understood as those of a call. Return 0 or -1. */
int proxmox_task(struct proxmox *p, const char *method, const char *path, const struct buf *form,
                 int wait_ms, struct err *err);

/** proxmox_task_wait(p, upid, wait_ms, err): the end of a task. Return 0 or -1. */
int proxmox_task_wait(struct proxmox *p, const char *upid, int wait_ms, struct err *err);

/** proxmox_task_end(exitstatus, err): whether the words at a task's end mean success. 0 or -1. */
int proxmox_task_end(const char *exitstatus, struct err *err);

/* ---- what there is: proxmox_place.c ---- */

/** proxmox_sees_pool(p): whether the token may see the guests of p->pool: then one that it may not
 * see is not there, or nobody's of that pool. */
bool proxmox_sees_pool(struct proxmox *p);

struct proxmox_node {
    char name[PROXMOX_NODE_SIZE];
    bool online;
    uint64_t memory, memory_used; /* bytes */
    uint32_t cpu_millis, cpu_millis_used;
    uint64_t storage, storage_used; /* bytes, of the storage that was asked for; 0: not there */
    bool storage_shared;
    uint64_t promised; /* bytes of memory that its running guests may use at most */
};

struct proxmox_guest {
    uint32_t vmid;
    bool container, template, running;
    char node[PROXMOX_NODE_SIZE], name[128], tags[200];
};

struct proxmox_cluster {
    unsigned count;
    struct proxmox_node nodes[PROXMOX_NODES]; /* by name */
};

/** proxmox_look(p, storage, out, each, arg, err): the cluster's nodes with what they have of
 * ${storage}, and every guest handed to ${each} (NULL: none), which returns 0 or -1 to stop. 0 or
 * -1. */
int proxmox_look(struct proxmox *p, const char *storage, struct proxmox_cluster *out,
                 int (*each)(void *arg, const struct proxmox_guest *guest, struct err *err),
                 void *arg, struct err *err);

/* What a new guest needs. */
struct proxmox_need {
    uint64_t memory, storage; /* bytes */
    uint32_t cpu_millis;
    const char *nodes;  /* those that may be: "pve1,pve2"; "": all */
    const char *not_on; /* one that may not, or NULL */
};

/** proxmox_listed(list, name): whether "pve1, pve2" has the name; "" has all. */
bool proxmox_listed(const char *list, const char *name);

/** proxmox_may(need, node): NULL, or in words why this node cannot take it. */
const char *proxmox_may(const struct proxmox_need *need, const struct proxmox_node *node);

/** proxmox_choose(cluster, need): the node of those that may that keeps the most free of what it
 * would have the least of; among equals the one with more free memory, then the first by name.
 * NULL: none. */
const struct proxmox_node *proxmox_choose(const struct proxmox_cluster *cluster,
                                          const struct proxmox_need *need);

#endif
