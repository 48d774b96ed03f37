#ifndef SETT_PLACE_SFTP_H
#define SETT_PLACE_SFTP_H
/* A vault that is a folder of an SSH server. */
#include "place.h"
#include "snapshot.h"

/** place_sftp(out, vault, secret, silence_s, err): no connection yet; ${silence_s}: how long the
 * other side may say nothing, 0: 60. Return 0 or -1. */
int place_sftp(struct place *out, const struct vault_place *vault, const char *secret,
               uint32_t silence_s, struct err *err);

#endif
