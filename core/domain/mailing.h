#ifndef SETT_MAILING_H
#define SETT_MAILING_H
/* A letter that an operator wrote to many customers: its text, once; each customer's own message is
 * in the outbox. */
#include "db.h"
#include "id.h"

#define MAILING_TEXT 8000
#define MAILING_MOST 5000 /* letters at once */

struct mailing {
    char id[ID_SIZE]; /* ml_… */
    char subject[240];
    char text[MAILING_TEXT];
    char selection[240]; /* in words: who was meant */
    char actor[64];
    uint32_t letters; /* queued */
    int64_t created_at;
};
extern const struct table mailing_table; /* key id */

#endif
