/* Letters to many: their table. Apart from the outbox because the text is stored once and not in
 * each of the thousand messages. */
#include "mailing.h"

static const struct field rows[] = {
    FIELD(struct mailing, id, FIELD_ID, .ref_prefix = "ml"),
    FIELD(struct mailing, subject, FIELD_TEXT, .help = "subject"),
    FIELD(struct mailing, text, FIELD_TEXT, .flags = FIELD_FREE, .help = "text"),
    FIELD(struct mailing, selection, FIELD_TEXT, .help = "who was meant"),
    FIELD(struct mailing, actor, FIELD_TEXT, .help = "who sent it"),
    FIELD(struct mailing, letters, FIELD_U32, .help = "letters queued"),
    FIELD(struct mailing, created_at, FIELD_TIME, .help = "sent at"),
};

const struct table mailing_table = {
    .name = "mailings",
    .noun = "mailing",
    .id = 45,
    .version = 1,
    .prefix = "ml",
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct mailing)},
    .key = {"id"},
};
