import { quoteIdentifier } from '../duckdb/quote.ts';
import type { PartRequest } from './writer.ts';

/**
 * The rows of a part as one SELECT: the source's columns beside the results, row by row.
 *
 * Both sides are read once, in order, and meet by position; a join by key would hold a side in memory. Position alone
 * would put an answer to the wrong row if a side were shifted or short, so every pair is compared and the first that
 * differs ends the query.
 * @param feed how SQL names the request's feed
 */
export function selectPart(request: PartRequest, feed: string): string {
  const { kept } = request;
  const results = request.arrange === undefined ? feed : `(${request.arrange(feed)})`;
  const keeps = (kept?.columns ?? []).map(
    ({ name, as }) => `s.${quoteIdentifier(name)} AS ${quoteIdentifier(as)}`,
  );
  const answers = request.columns.slice(keeps.length).map((name) => `r.${quoteIdentifier(name)}`);
  const wanted = request.drop === true ? 'NOT r.__drop' : 'true';
  const list = [...keeps, ...answers].join(', ');
  if (!kept) return `SELECT ${list} FROM ${results} AS r WHERE ${wanted}`;
  const shifted = `error('part rows do not match: source ' || coalesce(s.__row::VARCHAR, 'ended') || ', results ' || coalesce(r.__row::VARCHAR, 'ended'))`;
  return [
    `SELECT ${list}`,
    `FROM (${kept.sql}) AS s POSITIONAL JOIN ${results} AS r`,
    `WHERE CASE WHEN s.__row IS DISTINCT FROM r.__row THEN ${shifted} ELSE ${wanted} END`,
  ].join('\n');
}
