/*
 * Recovery secrets out of text. Apart from who reads it: the command line from a file or a person,
 * the worker from a request.
 */
#include "recovery_text.h"

#include <ctype.h>
#include <sodium.h>
#include <string.h>

#define LINE_MOST 512
#define SECRET    "sett-recovery-1"
#define SHARE     "sett-share-1"

/* From ${at}: what may belong to a text in bech32, blanks within it left out. */
static void take_code(char out[LINE_MOST], const char *at)
{
    size_t n = 0;

    for (; *at != '\0' && *at != '\n' && n + 1 < LINE_MOST; at++)
        if (isalnum((unsigned char)*at) || *at == '-')
            out[n++] = *at;
        else if (*at != ' ' && *at != '\t' && *at != '\r')
            break;
    out[n] = '\0';
}

int recovery_take(const char *text, struct recovery_found *found, struct err *err)
{
    const char *at = strcasestr(text, SECRET);
    char code[LINE_MOST];
    int rc = 0;

    if (at != NULL) {
        take_code(code, at);
        rc = identity_secret_parse(code, found->secret, err);
        found->whole = rc == 0;
    }
    for (at = strcasestr(text, SHARE); rc == 0 && at != NULL; at = strcasestr(at + 1, SHARE)) {
        if (found->count == IDENTITY_SHARES_MOST) {
            rc = err_field(err, "recovery", "too_many_shares", "these are too many shares");
            break;
        }
        take_code(code, at);
        if ((rc = identity_share_parse(code, &found->shares[found->count], err)) == 0)
            found->count++;
    }
    sodium_memzero(code, sizeof code);
    return rc;
}

int recovery_join(struct recovery_found *found, struct err *err)
{
    if (found->whole)
        return 0;
    if (identity_join(found->shares, found->count, found->secret, err) == -1)
        return -1;
    found->whole = true;
    return 0;
}
