//! Everything remuda can do to the world, and undo: one file per step.
