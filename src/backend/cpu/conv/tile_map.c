/* Writes a small matrix in the form of the tile machine: at most four rows with the same columns
 * form a group, and groups of one kind are adjacent, so that branch prediction of the loops
 * works. */
#include "backend/cpu/conv/tile_map.h"

#include <stdlib.h>

enum { TOGETHER = 4 };

static int is_term(const rv_matrix *matrix, int row, int column)
{
    return *rv_matrix_at(matrix, row, column) != 0;
}

static int columns_of(const rv_matrix *matrix, int row)
{
    int columns = 0;
    for (int j = 0; j < matrix->columns; j++)
        columns += is_term(matrix, row, j);
    return columns;
}

static int same_columns(const rv_matrix *matrix, int a, int b)
{
    for (int j = 0; j < matrix->columns; j++)
        if (is_term(matrix, a, j) != is_term(matrix, b, j))
            return 0;
    return 1;
}

/* The map under construction; the lists have room for every term. */
typedef struct building {
    const rv_matrix *matrix;
    rv_tile_group *group;
    int groups, rows, columns, weights;
    int *row, *column;
    float *weight;
} building;

/* A group of the row and of similar later rows, which are marked in `taken`. */
static void add_group(building *b, int first, char *taken)
{
    const rv_matrix *matrix = b->matrix;
    rv_tile_group *group = &b->group[b->groups++];
    *group = (rv_tile_group){0, columns_of(matrix, first), b->rows, b->columns, b->weights};
    for (int r = first; r < matrix->rows && group->rows < TOGETHER; r++)
        if (!taken[r] && same_columns(matrix, first, r)) {
            taken[r] = 1;
            b->row[b->rows++] = r;
            group->rows++;
        }
    for (int j = 0; j < matrix->columns; j++) {
        if (!is_term(matrix, first, j))
            continue;
        b->column[b->columns++] = j;
        for (int r = 0; r < group->rows; r++)
            b->weight[b->weights++] = (float)*rv_matrix_at(matrix, b->row[group->first_row + r], j);
    }
}

static int by_kind(const void *a, const void *b)
{
    const rv_tile_group *p = a, *q = b;
    if (p->rows != q->rows)
        return q->rows - p->rows;
    return p->columns != q->columns ? q->columns - p->columns : p->first_row - q->first_row;
}

int cpu_map_build(rv_arena *arena, const rv_matrix *matrix, rv_tile_map *out)
{
    size_t rows = (size_t)matrix->rows, terms = (size_t)rv_matrix_terms(matrix) + 1;
    building b = {.matrix = matrix};
    char *taken = rv_arena_alloc(arena, rows);
    b.group = rv_arena_alloc(arena, rows * sizeof *b.group);
    b.row = rv_arena_alloc(arena, rows * sizeof *b.row);
    b.column = rv_arena_alloc(arena, terms * sizeof *b.column);
    b.weight = rv_arena_alloc(arena, terms * sizeof *b.weight);
    if (!taken || !b.group || !b.row || !b.column || !b.weight)
        return 0;
    for (int r = 0; r < matrix->rows; r++)
        taken[r] = 0;
    for (int r = 0; r < matrix->rows; r++)
        if (!taken[r])
            add_group(&b, r, taken);
    qsort(b.group, (size_t)b.groups, sizeof *b.group, by_kind);
    *out = (rv_tile_map){b.group, b.groups, b.row, b.column, b.weight, NULL, NULL};
    return 1;
}
