#ifndef SETT_CONF_KEY_H
#define SETT_CONF_KEY_H
/* The keys of sett.conf that are no settings: what a program must know before it has a store, or
 * may never take from one. One row each, for the check of spelling and for sett.conf(5). */
#include "conf.h"

struct conf_key {
    const char *section, *name, *otherwise, *help;
};
extern const struct conf_key conf_keys[]; /* by section; ended by one without */

/** conf_key_unknown(conf, section): the next row of ${conf} from *${at} on that stands in
 * ${section} and that no key is called like; NULL if there is none. */
const struct conf_row *conf_key_unknown(const struct conf *conf, const char *section, uint32_t *at);

#endif
