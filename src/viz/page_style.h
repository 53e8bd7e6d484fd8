/* The look of a report. */
#ifndef VIZ_PAGE_STYLE_H
#define VIZ_PAGE_STYLE_H

extern const char rv_page_style[];

#endif
