"""Quartiles, interpolated between neighbours."""


def quantile(ordered, share):
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def quartiles(values):
    ordered = sorted(values)
    return tuple(quantile(ordered, share) for share in (0.25, 0.5, 0.75))
