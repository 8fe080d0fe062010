//! What a person and a program see, to the letter.

mod runs;
mod screen;

mod said;
mod shown;
