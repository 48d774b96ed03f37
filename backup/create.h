#ifndef SETT_CREATE_H
#define SETT_CREATE_H
/*
 * One snapshot, from the box to a sink: the store as it is at one moment, keys, the hands' folder,
 * configuration; then databases and volumes of the tenants that the store of that moment knows.
 * Nothing is stopped for it; a file that changes while it is read is told of.
 */
#include "db.h"
#include "paths.h"
#include "section.h"

struct create_order {
    struct db *db;
    const struct paths *paths;
    struct seal_header *header; /* id, box, number, times, scope, recipients, base are set */
    const uint8_t *file_key, *signing_key;
    const struct chunk_sink *sink;
    const uint64_t *tenants; /* numbers of those whose volumes belong to it */
    size_t tenant_count;
    /* Likewise, asked once the store is copied, so that none in that copy is missed; ${numbers}
     * becomes create's to free. NULL: those above. Return 0 or -1. */
    int (*list)(void *arg, uint64_t **numbers, size_t *count, struct err *err);
    /* One tenant's: instead of store, keys, hands' folder and all of the configuration, its records
     * as text into ${fd}; and its blueprint's name. NULL: of the whole box. Return 0 or -1. */
    int (*records)(void *arg, int fd, char blueprint[32], struct err *err);
    const char *scratch;  /* a private folder with room for the store */
    struct catalog *base; /* that header->base_… names; NULL: whole */
    FILE *catalog;        /* the next one, empty; or NULL */
    /* The dump of a tenant's database into ${fd}: 1, 0 if it has none, or -1. May be NULL. */
    int (*dump)(void *arg, uint64_t number, int fd, struct err *err);
    /* Whose blueprint says what is left out of its files; "": nothing is. May be NULL. */
    int (*blueprint)(void *arg, uint64_t number, char out[32], struct err *err);
    /* Before and after a tenant's files are read (the blueprint's own commands): 1 when there will
     * be something to do after, 0, or -1. May be NULL. */
    int (*quiet)(void *arg, uint64_t number, bool begin, struct err *err);
    int (*progress)(void *arg, uint64_t bytes, struct err *err);
    void *arg; /* of the six */
};

struct create_figures {
    uint64_t length; /* of the file */
    uint64_t tenant_count;
    struct section_figures control, tenants;
};

/** create_snapshot(order, figures, err): write all of it to the sink. Takes as long as it takes;
 * what was written before an error is worth nothing. Return 0 or -1. */
int create_snapshot(const struct create_order *order, struct create_figures *figures,
                    struct err *err);

#endif
