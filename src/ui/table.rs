//! Tables: columns that line up, no borders, a faint header.

use comfy_table::{ContentArrangement, Table, presets};

use super::{
    clean::line,
    ink::{Ink, ink, is_mark},
    redact::Redactor,
};

/// Returns a table at most `columns` wide, without a newline at its end.
pub(super) fn table(
    headers: &[&str],
    rows: &[Vec<String>],
    columns: usize,
    redactor: &Redactor,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(columns).unwrap_or(u16::MAX));
    table.set_header(headers.iter().map(|header| line(header)));
    for row in rows {
        // as many cells as there are headers: a longer row would widen the table without a name
        let cells = row.iter().map(|cell| redactor.text(&line(&redactor.text(cell))));
        let empty = std::iter::repeat_with(String::new);
        table.add_row(cells.chain(empty).take(headers.len()));
    }
    let wide = table.column_count();
    for place in 0..wide {
        if let Some(column) = table.column_mut(place) {
            column.set_padding((0, if place + 1 == wide { 0 } else { 2 }));
        }
    }
    let mut lines = table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    if let Some(header) = lines.first_mut() {
        *header =
            ink(Ink::Faint, &header.chars().filter(|sign| !is_mark(*sign)).collect::<String>());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::ink::paint;

    fn shown(columns: usize) -> String {
        let rows = [
            vec!["blog-production-v1.4.0-7f3k".into(), "live".into(), "12.00".into()],
            vec![
                "blog-production-v1.3.0-aaaa".into(),
                "previous\u{1b}[31m".into(),
                "secret-token".into(),
            ],
            vec!["漢字".into()],
        ];
        let redactor = Redactor::new(["secret-token".into()]);
        paint(&table(&["droplet", "role", "USD a month"], &rows, columns, &redactor), false)
    }

    #[test]
    fn columns_line_up() {
        insta::assert_snapshot!(shown(80));
    }

    #[test]
    fn a_narrow_table_wraps_its_cells() {
        insta::assert_snapshot!(shown(36));
    }

    #[test]
    fn an_empty_table_is_its_header() {
        let empty = table(&["droplet", "role"], &[], 80, &Redactor::default());
        assert_eq!(paint(&empty, true), "\u{1b}[2mdroplet  role\u{1b}[0m");
    }
}
