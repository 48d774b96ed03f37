#ifndef SETT_DOMAIN_PARTS_H
#define SETT_DOMAIN_PARTS_H
/* What the files domain_*.c share. */
#include "domain_cloudflare.h"

#define DOMAIN_LAG_MS 2000 /* before a second look at a list that was empty */
#define DOMAIN_LAG_S  5    /* before a create is tried again that met what we cannot see */

/** domain_parts_id(id): whether it is one of Cloudflare's: 32 hex digits or a UUID. */
bool domain_parts_id(const char *id);

/** domain_parts_fact(facts, name, value, err): set a fact; "" takes it out. 0 or -1. */
int domain_parts_fact(struct kv *facts, const char *name, const char *value, struct err *err);

/** domain_parts_ours(record, mark): whether it carries the mark. */
bool domain_parts_ours(const struct cloudflare_record *record, const char *mark);

/** domain_parts_comment(site, record): the mark, and the job if that fits. */
void domain_parts_comment(const struct domain_site *site, struct cloudflare_record *record);

#endif
