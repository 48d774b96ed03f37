/* QR codes on a terminal. The only file that knows libqrencode. */
#include "qr.h"

#include <qrencode.h>
#include <stdbool.h>

#define QUIET 2 /* modules of margin: readers of screens are content with it */

static bool dark(const QRcode *code, int x, int y)
{
    if (x < 0 || y < 0 || x >= code->width || y >= code->width)
        return false;
    return (code->data[y * code->width + x] & 1) != 0;
}

void qr_print(FILE *out, const char *text)
{
    /* Two modules a character: upper and lower half. */
    static const char *const halves[] = {" ", "▄", "▀", "█"};
    QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 0);

    if (code == NULL)
        return;
    for (int y = -QUIET; y < code->width + QUIET; y += 2) {
        fputs("  \033[30;107m", out);
        for (int x = -QUIET; x < code->width + QUIET; x++)
            fputs(halves[(dark(code, x, y) ? 2 : 0) + (dark(code, x, y + 1) ? 1 : 0)], out);
        fputs("\033[0m\n", out);
    }
    QRcode_free(code);
}
