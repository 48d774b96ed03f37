#ifndef SETT_NOTIFY_H
#define SETT_NOTIFY_H
/*
 * What a program tells the manager that started it (sd_notify(3)'s protocol): datagrams to the
 * socket that NOTIFY_SOCKET names. Without one, all of this does nothing. `sett run` listens to the
 * same datagrams as systemd.
 */
#include <stdint.h>

/** notify_ready(): "I answer from now on". */
void notify_ready(void);

/** notify_watchdog(): "still alive"; to be called from the loop that does the work, so that a loop
 * that hangs is silent. */
void notify_watchdog(void);

/** notify_stopping(): "I was told to end and am doing so". */
void notify_stopping(void);

/** notify_watchdog_ms(): how often notify_watchdog should be called: half of what WATCHDOG_USEC
 * allows (if it is meant for this process), at least 100 ms; ${otherwise} when nobody watches. */
int64_t notify_watchdog_ms(int64_t otherwise);

#endif
