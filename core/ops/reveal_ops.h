#ifndef SETT_REVEAL_OPS_H
#define SETT_REVEAL_OPS_H
/* What is answered where first credentials are shown, for the OpenAPI document. */
#include "field.h"

extern const struct fields reveal_shown;

#endif
