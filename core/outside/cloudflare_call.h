#ifndef SETT_CLOUDFLARE_CALL_H
#define SETT_CLOUDFLARE_CALL_H
/* One request to Cloudflare, for the files cloudflare_*.c only. */
#include "cloudflare.h"

#define CLOUDFLARE_PATH_SIZE 768

#define CLOUDFLARE_BUDGET_MILLI 300000 /* 300 calls at once */
#define CLOUDFLARE_BUDGET_PER_S 3      /* and 900 more in five minutes */

/* The permissions that hints name, as the dashboard spells them. */
#define CLOUDFLARE_MAY_TUNNEL "Account / Cloudflare Tunnel / Edit"
#define CLOUDFLARE_MAY_ZONE   "Zone / Zone / Read"
#define CLOUDFLARE_MAY_DNS    "Zone / DNS / Edit"

/** cloudflare_call(c, method, path, body, permission, json, err): ${body}: JSON or NULL. On success
 * *json is the whole envelope, to be freed with json_free; else NULL. Return 0 or -1. */
int cloudflare_call(struct cloudflare *c, const char *method, const char *path,
                    const struct buf *body, const char *permission, struct cJSON **json,
                    struct err *err);

/** cloudflare_answer(c, status, retry_after_s, text, len, permission, json, err): what an answer
 * means: the envelope in *json, or the error. Blocks further calls after a 429. Return 0 or -1. */
int cloudflare_answer(struct cloudflare *c, long status, uint32_t retry_after_s, const char *text,
                      size_t len, const char *permission, struct cJSON **json, struct err *err);

/** cloudflare_pages(c, path, per_page, permission, each, arg, err): every item of a list over all
 * its pages. ${path} holds a query already. Return 0 or -1. */
int cloudflare_pages(struct cloudflare *c, const char *path, unsigned per_page,
                     const char *permission,
                     int (*each)(void *arg, const struct cJSON *item, struct err *err), void *arg,
                     struct err *err);

/** cloudflare_part(out, size, s, err): ${s} percent-encoded, for a path or query. ""
 * and dots alone, which would lead out of the path, are refused. */
int cloudflare_part(char *out, size_t size, const char *s, struct err *err);

/** cloudflare_copy(json, path, out, size): a text that may be missing; "" if it is or does not fit.
 */
void cloudflare_copy(const struct cJSON *json, const char *path, char *out, size_t size);

/** cloudflare_record_read(json, out): a DNS record as an answer describes it. */
void cloudflare_record_read(const struct cJSON *json, struct cloudflare_record *out);

#endif
