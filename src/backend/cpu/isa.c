/* Caps the instruction set of the tile machine and of oneDNN. */
#include "backend/cpu/matmul/contract.h"
#include "backend/cpu/tile/tile.h"
#include "reverie/backend.h"

rv_status rv_context_set_isa(rv_context *context, const char *name)
{
    const rv_tile_table *table = rv_tile_table_find(name);
    if (!table)
        return rv_fail(context, RV_BAD_USAGE,
                       "instruction set `%s` is unknown or missing here; this machine has %s", name,
                       rv_tile_table_find(NULL)->name);
    context->isa = name ? table->name : NULL;
    if (name && !rv_contract_cap(name))
        rv_notify(context, RV_LOG_WARNING,
                  "the matrix products were used before the cap on %s and do not follow it", name);
    return RV_OK;
}

const char *rv_context_isa(const rv_context *context)
{
    return rv_tile_table_find(context->isa)->name;
}
