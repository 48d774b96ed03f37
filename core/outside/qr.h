#ifndef SETT_QR_H
#define SETT_QR_H
/* QR codes (ISO/IEC 18004), on a terminal and as a picture. */
#include <stdio.h>
#include "buf.h"
#include "err.h"

/** qr_print(out, text): in half blocks of UTF-8, dark on light whatever the terminal's colours are
 * with ${text} in capitals smallest. Nothing is printed if it does not fit into one. */
void qr_print(FILE *out, const char *text);

/** qr_svg(out, text, err): append a picture of it: an SVG of black on white with its margin, which
 * needs no style of the page around it. ERR_TOO_LARGE if it does not fit. Return 0 or -1. */
int qr_svg(struct buf *out, const char *text, struct err *err);

#endif
