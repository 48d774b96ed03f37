#ifndef SETT_ANSWER_PROGRAMS_H
#define SETT_ANSWER_PROGRAMS_H
/* Answers about the box's own parts: programs, versions, certificates. See answer.h. */
#include "answer.h"

/** answer_programs(setup, params, out, err): what runs, with memory, restarts, last sign of life.
 * Return 0 or -1. */
int answer_programs(const struct answer_setup *setup, const struct kv *params, struct buf *out,
                    struct err *err);

/** answer_versions(setup, params, out, err): of sett, of its libraries, of what it works with.
 * Return 0 or -1. */
int answer_versions(const struct answer_setup *setup, const struct kv *params, struct buf *out,
                    struct err *err);

/** answer_certificates(setup, params, out, err): until when the certificates are good that this
 * box's visitors see; looks now, for at most half a minute. In answer_certificates.c. 0 or -1. */
int answer_certificates(const struct answer_setup *setup, const struct kv *params, struct buf *out,
                        struct err *err);

#endif
