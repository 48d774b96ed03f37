#ifndef SETT_VAULT_OPEN_H
#define SETT_VAULT_OPEN_H
/* From a vault's record to the driver of its kind. */
#include "place.h"
#include "saga_context.h"
#include "snapshot.h"

#define VAULT_SECRET_MAX 8192

/** vault_open_record(place, record, secret, ca_file, err): ${secret}: its credential, "" if it has
 * none; ${ca_file}: whom https trusts instead of the system's, "". Return 0 or -1. */
int vault_open_record(struct place *place, const struct vault_place *record, const char *secret,
                      const char *ca_file, struct err *err);

/** vault_open_id(context, id, place, err): the vault with this id; its credential is unsealed, in a
 * transaction that has ended when this returns. ERR_NOT_FOUND. Return 0 or -1. */
int vault_open_id(const struct saga_context *context, const char *id, struct place *place,
                  struct err *err);

#endif
