/* See text.h. */
#include "core/text.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static locale_t plain;

/* The known C libraries have the "C" locale ready and allocate nothing for it. */
static void make_plain(void)
{
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

locale_t rv_locale_plain(void)
{
    pthread_once(&once, make_plain);
    return plain ? uselocale(plain) : (locale_t)0;
}

void rv_locale_back(locale_t before)
{
    if (before)
        uselocale(before);
}

int rv_text_format_list(char *text, size_t bytes, const char *format, va_list list)
{
    locale_t before = rv_locale_plain();
    int length = vsnprintf(text, bytes, format, list);
    rv_locale_back(before);
    return length;
}

int rv_text_format(char *text, size_t bytes, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int length = rv_text_format_list(text, bytes, format, list);
    va_end(list);
    return length;
}

int rv_text_scan(const char *text, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    locale_t before = rv_locale_plain();
    int count = vsscanf(text, format, list);
    rv_locale_back(before);
    va_end(list);
    return count;
}

double rv_text_number(const char *text, char **end)
{
    locale_t before = rv_locale_plain();
    double value = strtod(text, end);
    rv_locale_back(before);
    return value;
}

int rv_is_digit(int c)
{
    return c >= '0' && c <= '9';
}

int rv_is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int rv_is_space(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

int rv_lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

int rv_text_same(const char *a, const char *b)
{
    while (*a && rv_lower(*a) == rv_lower(*b))
        a++, b++;
    return rv_lower(*a) == rv_lower(*b);
}

int rv_ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text), tail = strlen(ending);
    return length >= tail && strcmp(text + length - tail, ending) == 0;
}
