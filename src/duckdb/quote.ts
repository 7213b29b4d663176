/** A name as a SQL identifier: `odd "name"` becomes `"odd ""name"""`. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as a SQL string literal. DuckDB has no backslash escapes, so the quote is the only special sign. */
export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * The path of one file as a SQL string literal for DuckDB's readers, which take `*`, `?` and `[` for a glob: they would
 * read other files for `a[1].parquet`, without a word.
 */
export function quoteFile(path: string): string {
  return quoteLiteral(path.replaceAll(/[*?[]/g, '[$&]'));
}
