/* The look of a report. */
#ifndef PAGE_PAGE_STYLE_H
#define PAGE_PAGE_STYLE_H

extern const char rv_page_style[];

#endif
