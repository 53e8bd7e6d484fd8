/* Four energies of the plane, in double precision: what flows are fitted to, and sets of points. */
#ifndef ENERGIES_ENERGIES_H
#define ENERGIES_ENERGIES_H

#include "core/random.h"

enum { ENERGIES = 4 }; /* they are numbered from 1 */

/* U(z) of energy 1 to 4, with its wall: the density is exp(-U(z)) / Z. */
double energy_at(int which, const double z[2]);
/* A point with that density, exactly. */
void energy_draw(int which, rv_stream *stream, double z[2]);
/* log Z, and the entropy E[U] + log Z, in nats. */
double energy_log_z(int which);
double energy_entropy(int which);

#endif
