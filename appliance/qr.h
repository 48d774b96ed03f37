#ifndef SETT_QR_H
#define SETT_QR_H
/* QR codes on a terminal. */
#include <stdio.h>

/** qr_print(out, text): in half blocks of UTF-8, dark on light whatever the terminal's colours are
 * with ${text} in capitals smallest. Nothing is printed if it does not fit into one. */
void qr_print(FILE *out, const char *text);

#endif
