//! A terminal for tests: as much of one as the live display uses, and it complains about the rest.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

/// What a terminal shows, its scrollback included.
#[derive(Clone)]
pub(super) struct Screen(Arc<Mutex<Grid>>);

struct Grid {
    columns: usize,
    lines: Vec<Vec<char>>,
    row: usize,
    column: usize,
}

impl Screen {
    pub(super) fn new(columns: usize) -> Self {
        Self(Arc::new(Mutex::new(Grid { columns, lines: vec![Vec::new()], row: 0, column: 0 })))
    }

    /// Returns the lines, each exactly as far as something was written to it.
    pub(super) fn text(&self) -> String {
        let grid = self.0.lock().unwrap();
        grid.lines.iter().map(|line| line.iter().collect::<String>() + "\n").collect()
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).expect("whole characters are written");
        let mut grid = self.0.lock().unwrap();
        let mut rest = text;
        while let Some(sign) = rest.chars().next() {
            rest = &rest[sign.len_utf8()..];
            match sign {
                '\n' => {
                    grid.row += 1;
                    grid.column = 0;
                    if grid.row == grid.lines.len() {
                        grid.lines.push(Vec::new());
                    }
                }
                '\r' => grid.column = 0,
                '\u{1b}' => {
                    let body = rest.strip_prefix('[').expect("a control sequence");
                    let end = body.find(|sign: char| sign.is_ascii_alphabetic()).unwrap();
                    let number = body[..end].parse::<usize>();
                    let row = grid.row;
                    match &body[end..=end] {
                        "A" => grid.row -= number.unwrap(),
                        "B" => grid.row += number.unwrap(),
                        "K" => grid.lines[row].clear(),
                        "m" => {}
                        other => panic!("{other} is not known to this terminal"),
                    }
                    rest = &body[end + 1..];
                }
                sign => {
                    let (row, column) = (grid.row, grid.column);
                    assert!(column < grid.columns, "a line is wider than the terminal");
                    let line = &mut grid.lines[row];
                    line.resize(line.len().max(column + 1), ' ');
                    line[column] = sign;
                    grid.column += 1;
                }
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
