#ifndef SETT_BUNDLE_H
#define SETT_BUNDLE_H
/*
 * What somebody who is to help needs to know of a box, as one tar file (POSIX.1-1988, ustar):
 * findings, versions, what runs, settings, figures, jobs that are stuck with their journal, alerts,
 * the last lines of logs. No secret is in it, and no e-mail address: both are taken out of every
 * text, whoever wrote it.
 */
#include "op.h"

#define BUNDLE_MAX (8u * 1024u * 1024u)

/* Who answers the worker's questions: the worker itself, or its socket. */
struct bundle_source {
    int (*ask)(void *arg, const char *question, const struct kv *params, struct buf *out,
               struct err *err);
    void *arg;
};

/** bundle_make(box, source, tar, err): append the whole file to ${tar}, whose max is BUNDLE_MAX or
 * more. A part that cannot be had is a part that says why. Return 0 or -1. */
int bundle_make(const struct op_box *box, const struct bundle_source *source, struct buf *tar,
                struct err *err);

/** bundle_name(box, out, size): "sett-support-NAME-20261127T005912Z.tar". */
void bundle_name(const struct op_box *box, char *out, size_t size);

#endif
