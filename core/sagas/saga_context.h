#ifndef SETT_SAGA_CONTEXT_H
#define SETT_SAGA_CONTEXT_H
/* What the store's side of every step is given: constant while the worker runs. */
#include "conf.h"
#include "db.h"
#include "paths.h"
#include "vault.h"

struct saga_context {
    struct db *db;
    struct paths paths;
    struct conf conf;
    struct vault vault;     /* with its private half */
    struct web_key web_key; /* to seal what the front shows once */
};

#endif
