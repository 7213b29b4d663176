/** A name as a SQL identifier: `odd "name"` becomes `"odd ""name"""`. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * A text as a SQL string literal. DuckDB has no backslash escapes; special are the quote, and the zero byte, at which it
 * takes the statement to end.
 */
export function quoteLiteral(text: string): string {
  const pieces = text.split('\0').map((piece) => `'${piece.replaceAll("'", "''")}'`);
  return pieces.length === 1 ? pieces[0]! : `(${pieces.join(' || chr(0) || ')})`;
}

/**
 * The path of one file as a SQL string literal for DuckDB's readers, which take `*`, `?` and `[` for a glob: they would
 * read other files for `a[1].parquet`, without a word.
 */
export function quoteFile(path: string): string {
  return quoteLiteral(path.replaceAll(/[*?[]/g, '[$&]'));
}
