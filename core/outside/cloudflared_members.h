#ifndef SETT_CLOUDFLARED_MEMBERS_H
#define SETT_CLOUDFLARED_MEMBERS_H
/* The members of originRequest, for the files cloudflared_*.c only. */
#include <stddef.h>
#include "cloudflared.h"

enum member_kind { MEMBER_BOOL, MEMBER_TEXT, MEMBER_COUNT, MEMBER_SECONDS };

struct cloudflared_member {
    const char *name;
    enum member_kind kind;
    size_t offset, size;
};
#define MEMBER(name_, kind_, member_)                                                              \
    {                                                                                              \
        name_, kind_, offsetof(struct cloudflared_origin, member_),                                \
            sizeof(((struct cloudflared_origin *)0)->member_)                                      \
    }
extern const struct cloudflared_member cloudflared_members[]; /* ended by one without a name */

/** cloudflared_carry(item, more, size, err): add a member that the table does not know to a list of
 * members as text. ERR_INVALID if it does not fit. Return 0 or -1. */
int cloudflared_carry(const struct cJSON *item, char *more, size_t size, struct err *err);

#endif
