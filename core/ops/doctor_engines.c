/*
 * What doctor says about container engines on other machines. Apart from the runtimes of this box
 * because these are asked by the worker, twice a minute: here is read what it found.
 */
#include <string.h>
#include <unistd.h>

#include "container_engine.h"
#include "doctor.h"
#include "str.h"

#define SSH "/usr/bin/ssh"

static enum finding say(struct look *l, unsigned count, uint64_t tenants, unsigned away,
                        unsigned ssh, const struct container_engine *first)
{
    char fix[240];

    if (count == 0)
        return doctor_say(l, FINE, "", "none on other machines");
    if (ssh > 0 && access(SSH, X_OK) == -1)
        return doctor_say(l, BROKEN, "apt install openssh-client",
                          "%u engine%s reached through SSH, and there is no " SSH, ssh,
                          ssh == 1 ? " is" : "s are");
    if (away == 0 && tenants > 0)
        return doctor_say(l, FINE, "",
                          "%u on other machines, none away; the files of %llu tenants there are in "
                          "no snapshot of this box",
                          count, (unsigned long long)tenants);
    if (away == 0)
        return doctor_say(l, FINE, "", "%u on other machines, none away", count);
    (void)snprintf(fix, sizeof fix, "%.160s (sett engine test %s)", first->remedy, first->name);
    return doctor_say(l, BROKEN, fix, "%.200s%s", first->problem,
                      away > 1 ? "; others are away, too" : "");
}

enum finding doctor_engines(struct look *l)
{
    struct container_engine engine, first = {0};
    unsigned count = 0, away = 0, ssh = 0;
    uint64_t tenants = 0, here;
    struct err err = {0};
    struct txn *txn;
    struct scan scan;

    if (db_read(&txn, l->box->db, &err) == -1)
        return doctor_say(l, BROKEN, "", "%s", err.text);
    if (scan_start(&scan, txn, &container_engine_table, NULL, NULL, 0, false, &err) == 0)
        while (scan_next(&scan, &engine, &err) == 1) {
            count++;
            ssh += engine.kind == ENGINE_SSH;
            if (container_engine_tenants(txn, engine.name, &here, &err) == 0)
                tenants += here;
            if (engine.state == ENGINE_AWAY && away++ == 0)
                first = engine;
        }
    db_read_end(txn);
    return say(l, count, tenants, away, ssh, &first);
}
