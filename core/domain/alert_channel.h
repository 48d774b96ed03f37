#ifndef SETT_ALERT_CHANNEL_H
#define SETT_ALERT_CHANNEL_H
/* Where alerts go: mail, Slack, a webhook; several of them, each with what it wants to hear of. */
#include "db.h"
#include "id.h"
#include "notice.h"
#include "vault.h"

enum channel_type { CHANNEL_EMAIL, CHANNEL_SLACK, CHANNEL_WEBHOOK };
extern const char *const channel_type_names[];

struct alert_channel {
    char id[ID_SIZE];
    char name[64]; /* unique */
    uint32_t type;
    char target[512];  /* address, or URL; of Slack, whose URL is the secret: its end */
    char kinds[512];   /* "tenant.*, job.stuck"; "": all */
    uint32_t severity; /* least that it wants */
    bool enabled;
    char disabled_reason[200]; /* why the box has switched it off itself, "" */
    struct sealed secret;      /* Slack: its URL; webhook: the signing secret; by the vault */
    struct sealed previous;    /* webhook: the secret before, while it is being rolled */
    int64_t previous_until;
    uint32_t failures; /* in a row */
    char last_error[240];
    int64_t sent_at, failed_at, created_at, updated_at;
};
extern const struct table alert_channel_table; /* key id; unique: name */

#define CHANNEL_PREVIOUS_MS (INT64_C(24) * 3600 * 1000) /* both secrets sign for so long */
#define CHANNEL_MOST        100

/** channel_new(txn, channel, err): insert with a fresh id and times. ERR_QUOTA beyond CHANNEL_MOST.
 * Return 0 or -1. */
int channel_new(struct txn *txn, struct alert_channel *channel, struct err *err);

/** channel_put(txn, channel, err): store a changed one; updated_at is set here. 0 or -1. */
int channel_put(struct txn *txn, struct alert_channel *channel, struct err *err);

/** channel_seal(vault, channel, text, out, err): seal a secret so that only this channel's ${out},
 * secret or previous, can be opened with it. Return 0 or -1. */
int channel_seal(const struct vault *vault, const struct alert_channel *channel, const char *text,
                 struct sealed *out, struct err *err);

/** channel_open(vault, channel, sealed, out, size, err): open channel->secret or ->previous as
 * text; "" when nothing is set. Needs the vault's private half. Return 0 or -1. */
int channel_open(const struct vault *vault, const struct alert_channel *channel,
                 const struct sealed *sealed, char *out, size_t size, struct err *err);

/** channel_kinds_check(kinds, err): that each word of a list names a kind of notice, or begins some
 * ("tenant.*"). ERR_INVALID naming the field. Return 0 or -1. */
int channel_kinds_check(const char *kinds, struct err *err);

/** channel_wants(channel, notice): whether it is to be told of that, going by kind and severity. An
 * alert about a channel never goes over that channel. */
bool channel_wants(const struct alert_channel *channel, const struct notice *notice);

#endif
