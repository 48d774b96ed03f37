#ifndef SETT_NAME_RESERVED_H
#define SETT_NAME_RESERVED_H
/* Labels that no tenant may have. */
#include <stdbool.h>
#include <stddef.h>

extern const char *const name_reserved[]; /* sorted by strcmp */
extern const size_t name_reserved_count;

/** name_is_reserved(label): whether it is one of them. */
bool name_is_reserved(const char *label);

#endif
