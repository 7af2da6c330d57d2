"""Recurrent cells: one layer each, described by one time step."""
