/*
 * Tenants whose programs do not end with the hands. A container holds the folder that it was
 * started on, whatever has its name by now: it would go on with the data of the tree that was put
 * aside. So they are stopped before an exchange; the drift that this is gets mended afterwards.
 */
#include "restore.h"

#include <string.h>

#include "file.h"
#include "hands.h"
#include "schema.h"
#include "setting.h"
#include "str.h"
#include "tenant.h"

#define STOP_MS      90000
#define TENANTS_MOST 4096

struct halted {
    uint64_t number;
    uint32_t port;
    char id[ID_SIZE], blueprint[32];
};

static bool outlives_hands(const struct tenant *t)
{
    return (t->state == TENANT_ACTIVE || t->state == TENANT_PAST_DUE) &&
           (str_equal(t->runtime, "docker") || str_equal(t->runtime, "swarm"));
}

static int choose(struct txn *txn, struct halted *out, size_t *count, char box_id[ID_SIZE],
                  struct err *err)
{
    struct tenant tenant = {0};
    struct scan scan;
    int got;

    if (setting_text(txn, NULL, "box.id", box_id, ID_SIZE, err) == -1 ||
        scan_start(&scan, txn, &tenant_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &tenant, err)) == 1 && *count < TENANTS_MOST) {
        struct halted *h = &out[*count];

        if (!outlives_hands(&tenant))
            continue;
        h->number = tenant.number;
        h->port = tenant.port;
        memcpy(h->id, tenant.id, sizeof h->id);
        memcpy(h->blueprint, tenant.blueprint, sizeof h->blueprint);
        (*count)++;
    }
    return got == -1 ? -1 : 0;
}

int restore_halt(const struct paths *paths, bool start, struct err *err)
{
    static struct halted halted[TENANTS_MOST]; /* once in a process */
    char path[PATHS_SIZE + 16], box_id[ID_SIZE] = "";
    struct hands_request request = {.verb = start ? HANDS_RUNTIME_START : HANDS_RUNTIME_STOP};
    struct hands_reply reply;
    enum outcome outcome;
    struct txn *txn;
    size_t count = 0;
    struct db *db;
    int rc;

    (void)str_format(path, sizeof path, "%s/data.mdb", paths->db);
    if (!file_exists(path))
        return 0;
    if (db_open(&db, paths->db, &sett_schema, err) == -1 || db_read(&txn, db, err) == -1) {
        err_clear(err); /* a store that cannot be read is why it is restored */
        return 0;
    }
    rc = choose(txn, halted, &count, box_id, err);
    db_read_end(txn);
    (void)str_copy(request.box_id, sizeof request.box_id, box_id);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        request.number = halted[i].number;
        request.port = halted[i].port;
        (void)str_copy(request.tenant_id, sizeof request.tenant_id, halted[i].id);
        (void)str_copy(request.blueprint, sizeof request.blueprint, halted[i].blueprint);
        outcome = hands_call(paths->hands_sock, &request, STOP_MS, &reply, NULL, err);
        rc = outcome == OUTCOME_OK || outcome == OUTCOME_ABSENT ? 0 : -1;
    }
    if (rc == -1)
        return err_hint(err, "containers must stop before their folders are exchanged: start the "
                             "box's hands, or stop them by hand");
    return 0;
}
