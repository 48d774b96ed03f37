#ifndef SETT_HANDS_LINK_H
#define SETT_HANDS_LINK_H
/* Where the link to an engine on another machine ends on this one: what hands and worker share. */
#include <stddef.h>
#include <stdint.h>
#include "paths.h"

#define HANDS_LINK_SOCKET "engine.sock"

/** hands_link_folder(paths, number, out, size): the folder of its sockets: HANDS_LINK_SOCKET is
 * the engine's own, ctl the link's. 0 or -1. */
int hands_link_folder(const struct paths *paths, uint64_t number, char *out, size_t size);

#endif
