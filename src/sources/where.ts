import { DuckDBTypeId } from '@duckdb/node-api';
import type { Engine } from '../duckdb/engine.ts';
import { quoteIdentifier, quoteLiteral } from '../duckdb/quote.ts';
import type { Column } from '../duckdb/types.ts';
import { Exit, messageOf, SluiceError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { sqlType } from './types.ts';

/** Whether a condition may refer to a column: its name is somewhere in the text. More than it does is no harm. */
export function mentions(where: string, column: string): boolean {
  const text = where.toLowerCase();
  const name = column.toLowerCase();
  return text.includes(name) || text.includes(name.replaceAll('"', '""'));
}

/**
 * Checks a condition before it is used: that it is one expression over the row, true or false, and that nothing in
 * it reaches outside the row or gives another answer tomorrow.
 * @throws {SluiceError} `SOURCE_WHERE`
 */
export async function checkWhere(engine: Engine, where: string, columns: readonly Column[]): Promise<void> {
  const expression = await parse(engine, where);
  const functions = new Set<string>();
  inspect(where, expression, new Set(columns.map(({ name }) => name.toLowerCase())), functions);
  await checkFunctions(engine, where, functions);
  await checkType(engine, where, columns);
}

/** Nodes of DuckDB's expression tree that stay within the row. */
const WITHIN_ROW = new Set([
  'BETWEEN',
  'CASE',
  'CAST',
  'COLLATE',
  'COLUMN_REF',
  'COMPARISON',
  'CONJUNCTION',
  'CONSTANT',
  'FUNCTION',
  'LAMBDA',
  'LAMBDA_REF',
  'OPERATOR',
]);

const OUTSIDE_ROW: Record<string, string> = {
  SUBQUERY: 'a subquery',
  PARAMETER: 'a parameter',
  STAR: '*',
  WINDOW: 'a window function',
  POSITIONAL_REFERENCE: 'a column by number',
};

/** Names that SQL reads as functions where there is no such column. */
const VALUE_FUNCTIONS =
  /^(current_(catalog|date|role|schema|time|timestamp|user)|localtime|localtimestamp|session_user|user)$/;

/**
 * Functions that DuckDB calls consistent although they tell of the session or the clock. `json_serialize_plan` binds
 * a statement, and so looks at the files that it names.
 */
const TELLTALE =
  /^(current_|pg_|has_|inet_|__internal|getvariable$|version$|vector_type$|get_block_size$|json_serialize_plan$)/;

/** Functions that DuckDB writes as macros over consistent ones. Other macros look into its catalogue. */
const PLAIN_MACROS =
  /^(array_\w+|list_\w+|map_contains_\w+|date_add|days_in_month|fdiv|fmod|json|nullif|round_even|split_part)$/;

type Node = { [key: string]: unknown };

async function parse(engine: Engine, where: string): Promise<Node> {
  if (where.includes('\0')) throw refused(JSON.stringify(where), 'it has a zero byte');
  // The line end keeps a comment at the end of the condition from swallowing the bracket.
  const inBrackets = quoteLiteral(`SELECT (${where}\n)`);
  // Alone too: `a) OR (b` is an expression only because of the brackets around it.
  const alone = quoteLiteral(`SELECT ${where}\n`);
  const [row] = await engine.rows(
    `SELECT json_serialize_sql(${inBrackets})::VARCHAR AS tree, json_serialize_sql(${alone})::VARCHAR AS alone`,
  );
  const tree = JSON.parse(row?.tree as string) as Node;
  // Its own words first: those about the brackets speak of one that the user did not write.
  const error = [JSON.parse(row?.alone as string) as Node, tree].find((parsed) => parsed.error);
  if (error) throw refused(where, String(error.error_message));
  const statements = tree.statements as { node: Node }[];
  const node = statements[0]?.node;
  const list = node?.select_list as Node[] | undefined;
  const isOne =
    statements.length === 1 &&
    node?.type === 'SELECT_NODE' &&
    list?.length === 1 &&
    (node.from_table as Node).type === 'EMPTY' &&
    [node.modifiers, node.group_expressions, (node.cte_map as Node).map].every(isEmptyList) &&
    [node.where_clause, node.having, node.qualify, node.sample].every((part) => part === null);
  if (!isOne) throw refused(where, 'it is not one expression');
  return list[0]!;
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** Goes through an expression, refuses what is not of the row, and collects the functions that it calls. */
function inspect(where: string, value: unknown, columns: ReadonlySet<string>, functions: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  const node = value as Node;
  if (typeof node.class === 'string') {
    if (!WITHIN_ROW.has(node.class)) throw refused(where, `it has ${OUTSIDE_ROW[node.class] ?? node.class}`);
    if (node.class === 'FUNCTION') {
      const name = String(node.function_name).toLowerCase();
      // Of one argument: how long ago it was.
      if (name === 'age' && (node.children as Node[]).length === 1) throw notOfRow(where, name);
      functions.add(name);
    }
    if (node.class === 'COLUMN_REF') {
      const names = node.column_names as string[];
      const name = names[0]!.toLowerCase();
      if (names.length === 1 && !columns.has(name) && VALUE_FUNCTIONS.test(name)) functions.add(name);
    }
  }
  // Constants may hold anything, also what looks like a node.
  if (node.class !== 'CONSTANT') {
    for (const child of Object.values(node)) inspect(where, child, columns, functions);
  }
}

async function checkFunctions(engine: Engine, where: string, functions: ReadonlySet<string>): Promise<void> {
  if (functions.size === 0) return;
  const names = [...functions].map(quoteLiteral).join(', ');
  // By name, whatever schema is written before it. A name may also be that of a table function, as `repeat` is.
  const rows = await engine.rows(
    `SELECT lower(function_name) AS name, bool_or(function_type IN ('scalar', 'macro', 'aggregate')) AND
        coalesce(bool_and(CASE function_type
          WHEN 'scalar' THEN stability = 'CONSISTENT'
          WHEN 'macro' THEN regexp_matches(lower(function_name), ${quoteLiteral(PLAIN_MACROS.source)})
          END), true) AS plain
      FROM duckdb_functions() WHERE lower(function_name) IN (${names}) GROUP BY 1`,
  );
  const plain = new Map(rows.map((row) => [row.name as string, row.plain]));
  for (const name of functions) {
    if (TELLTALE.test(name) || VALUE_FUNCTIONS.test(name) || plain.get(name) === false) {
      throw notOfRow(where, name);
    }
  }
}

async function checkType(engine: Engine, where: string, columns: readonly Column[]): Promise<void> {
  // Those that are there when it is used. Not every type of the others can be written as SQL.
  const used = columns.filter(({ name }) => mentions(where, name));
  const row = used.map(({ name, type }) => `NULL::${sqlType(type)} AS ${quoteIdentifier(name)}`);
  const from = row.length === 0 ? '' : ` FROM (SELECT ${row.join(', ')})`;
  let type: Column['type'];
  try {
    const [column] = await engine.describe(`SELECT (${where}\n) AS condition${from}`);
    type = column!.type;
    // Aggregates are refused in this place. Run over a row of nulls, so that constants that cannot be converted are
    // found before the first request.
    await engine.rows(`SELECT 1${from} WHERE (${where}\n)`);
  } catch (error) {
    throw unbound(where, columns, error);
  }
  if (type.typeId !== DuckDBTypeId.BOOLEAN) {
    throw refused(where, `it gives ${sqlType(type)}, where true or false is needed`);
  }
}

function unbound(where: string, columns: readonly Column[], error: unknown): SluiceError {
  const message = messageOf(error);
  const unknown = /column "((?:[^"]|"")+)" (?:was )?not found/.exec(message)?.[1];
  if (unknown === undefined) {
    return refused(where, message.split('\n', 1)[0]!.replace(/^[A-Z][A-Za-z ]*Error: /, ''));
  }
  const names = columns.map(({ name }) => name);
  const close = nearest(unknown, names);
  const known = names.length > 20 ? `${names.slice(0, 20).join(', ')}, …` : names.join(', ');
  return new SluiceError('SOURCE_WHERE', `source.where has an unknown column: ${unknown}`, {
    next: close
      ? `Did you mean ${close}?`
      : where.includes(`"${unknown}"`)
        ? `A text stands in single quotes: '${unknown}'. The columns are: ${known}.`
        : `The columns are: ${known}.`,
    exit: Exit.usage,
  });
}

function notOfRow(where: string, name: string): SluiceError {
  return refused(where, `it calls ${name}, whose answer does not depend on the row alone`);
}

function refused(where: string, reason: string): SluiceError {
  return new SluiceError('SOURCE_WHERE', `source.where cannot be used: ${where} (${reason})`, {
    next: "Write one SQL condition over the columns, such as: lang = 'en' AND length(text) > 10",
    exit: Exit.usage,
  });
}
