/* Numbers as text, the same in every locale.
 *
 * The library may be in a program that has called setlocale: there printf writes 0,5, strtod stops
 * at the point of 0.5, and tolower turns I into a letter without a dot.  So nothing in src/ calls
 * those functions for numbers or words of files: it calls these, which use the "C" locale and keep
 * the locale of the thread. scripts/check-locale searches for code that bypasses them. */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include "reverie/core.h"

#include <locale.h>

/* snprintf, vsnprintf, sscanf and strtod of the "C" locale. */
int rv_text_format(char *text, size_t bytes, const char *format, ...) RV_PRINTF(3, 4);
int rv_text_format_list(char *text, size_t bytes, const char *format, va_list list);
int rv_text_scan(const char *text, const char *format, ...) __attribute__((format(scanf, 2, 3)));
double rv_text_number(const char *text, char **end);

/* Between these two calls the thread has the "C" locale, for a library that formats or reads
 * numbers itself.  Neither fails. */
locale_t rv_locale_plain(void);
void rv_locale_back(locale_t before);

/* ASCII only, in every locale: bytes above 127 are none of these. */
int rv_is_digit(int c);
int rv_is_letter(int c);
int rv_is_space(int c);
/* A letter in lower case; anything else as it is. */
int rv_lower(int c);
/* 1 if the words are equal except for the case of ASCII letters. */
int rv_text_same(const char *a, const char *b);
/* Whether the text ends with those letters. */
int rv_ends_with(const char *text, const char *ending);

#endif
