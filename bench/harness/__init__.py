"""The benchmark's harness: standard library only.  bench/run is its entry."""
