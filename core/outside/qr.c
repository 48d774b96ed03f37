/* QR codes, on a terminal and as a picture. The only file that knows libqrencode. */
#include "qr.h"

#include <qrencode.h>
#include <stdbool.h>

#define QUIET         2 /* modules of margin: readers of screens are content with it */
#define QUIET_PICTURE 4 /* as ISO/IEC 18004 wants it: what surrounds a picture is not known */

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
    QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1);

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

/* The dark modules of a row, one stroke for each run of them. */
static void row_path(const QRcode *code, int y, struct buf *out)
{
    for (int x = 0, end; x < code->width; x = end + 1) {
        for (end = x; dark(code, end, y); end++)
            ;
        if (end > x)
            (void)buf_format(out, "M%d %dh%dv1h-%dz", x + QUIET_PICTURE, y + QUIET_PICTURE, end - x,
                             end - x);
    }
}

int qr_svg(struct buf *out, const char *text, struct err *err)
{
    QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1);
    int size;

    if (code == NULL)
        return err_set(err, ERR_TOO_LARGE, "qr_too_large", "the text does not fit into a QR code");
    size = code->width + 2 * QUIET_PICTURE;
    (void)buf_format(out,
                     "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
                     "shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/>"
                     "<path d=\"",
                     size, size, size, size);
    for (int y = 0; y < code->width; y++)
        row_path(code, y, out);
    (void)buf_text(out, "\"/></svg>");
    QRcode_free(code);
    return out->failed ? err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a QR code") : 0;
}
