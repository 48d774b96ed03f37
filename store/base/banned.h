#ifndef SETT_BANNED_H
#define SETT_BANNED_H
/* Functions that do not know the size of what they write to, or that hide an error, do not build.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#undef alloca
#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol gets alloca
#endif
