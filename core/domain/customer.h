#ifndef SETT_CUSTOMER_H
#define SETT_CUSTOMER_H
/* Who pays. */
#include "db.h"
#include "id.h"

struct customer {
    char id[ID_SIZE];
    uint64_t number;
    char name[128];
    char email[256];
    char stripe_customer[64]; /* unique when set */
    char locale[16];
    char note[512];
    int64_t object_at;    /* time of the newest of Stripe's facts applied */
    char object_event[96]; /* breaks a tie */
    int64_t created_at, updated_at;
};
extern const struct table customer_table; /* key id; unique: number, stripe_customer; index: email */

#endif
