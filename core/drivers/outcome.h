#ifndef SETT_OUTCOME_H
#define SETT_OUTCOME_H
/* What came of touching the outside. With AGAIN and FAIL a struct err says why: its kind is the
 * class (auth, quota, rate, network, conflict, …), its hint the remedy, retry_after_s the wait. */
enum outcome {
    OUTCOME_OK,     /* the effect is there (check, make) or is gone (undo) */
    OUTCOME_ABSENT, /* check: the effect is not there */
    OUTCOME_AGAIN,  /* not yet, or not sure: ask again later */
    OUTCOME_FAIL    /* no, and asking again in the same way would not help */
};
#endif
