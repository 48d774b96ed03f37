#ifndef SETT_CONNECTOR_FILES_H
#define SETT_CONNECTOR_FILES_H
/* The files that a connector goes by, in the hands' own folder, each for root alone. */
#include <stdbool.h>
#include <stdint.h>
#include "err.h"

struct connector_files {
    char token[320], env[320], config[320], credentials[320];
};

/** connector_files(hands, number, files, err): their paths below the hands' folder. 0 or -1. */
int connector_files(const char *hands, uint64_t number, struct connector_files *files,
                    struct err *err);

/** connector_files_write(files, token, rules, err): config.yml and credentials from ${rules}
 * (cloudflared's JSON, checked here once more: what is written is put together here, so that no key
 * of cloudflared's but these can come in) and the token; ${rules} "": neither is there. Return 1 if
 * something has changed, 0 or -1. */
int connector_files_write(const struct connector_files *files, const char *token, const char *rules,
                          struct err *err);

/** connector_files_newer(files, since_ms): whether what the connector goes by was written after it
 * was started: somebody died in between. A time of whole seconds counts to the end of its second.
 */
bool connector_files_newer(const struct connector_files *files, int64_t since_ms);

/** connector_files_remove(files, err): all of them. Fine if they are gone. Return 0 or -1. */
int connector_files_remove(const struct connector_files *files, struct err *err);

#endif
