import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  DuckDBArrayType,
  DuckDBListType,
  DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
  HUGEINT,
  LIST,
  SQLNULL,
  UBIGINT,
  VARCHAR,
} from '@duckdb/node-api';
import type { Engine } from '../duckdb/engine.ts';
import { quoteLiteral } from '../duckdb/quote.ts';
import type { Column } from '../duckdb/types.ts';
import { JSON_TEXT, sqlType } from './types.ts';

/** A structure as `json_structure` gives it: a type's name, a list of one structure, or named structures. */
export type JsonShape = string | [JsonShape] | Map<string, JsonShape>;

/** Objects with more keys are not records but maps, which a struct of as many fields would serve badly. */
const MAX_FIELDS = 1000;
/** Deeper than this a value is kept as JSON text. */
const MAX_DEPTH = 32;

/** What the lines of a file say beside their structure. */
export interface JsonLines {
  /** A relation with the column `text`: the lines that are JSON objects. */
  sql: string;
  /** Whether no line can have an integer that does not fit BIGINT. Known when all lines have been read once. */
  readonly integersFit: boolean;
}

/** The columns of JSON objects, or undefined when there is none. Text stays text, nothing is guessed to be a date. */
export async function jsonColumns(engine: Engine, lines: JsonLines): Promise<Column[] | undefined> {
  // Line by line, and not with json_group_structure, which makes one value of the whole file first. `{}` has the
  // structure JSON, which would hide the fields that other lines have there; null has none.
  const shapes = engine.stream(
    `SELECT DISTINCT json_structure(TRY_CAST(replace(text, '{}', 'null') AS JSON))::VARCHAR FROM (${lines.sql})`,
    // In pieces, as DuckDB would gather 2048 lines before it looks at one, however long they are.
    { rowWise: true },
  );
  let merged: JsonShape | undefined;
  for await (const batch of shapes) {
    for (const text of batch.getChildAt(0) ?? []) {
      const shape = shapeIn(JSON.parse(text as string));
      merged = merged === undefined ? shape : mergedShape(merged, shape);
    }
  }
  if (merged === undefined) return undefined;
  // Objects without keys only.
  if (!(merged instanceof Map)) return [];
  const named = [...merged].filter(([name]) => isName(name));
  const columns = named.map(([name, shape]) => ({ name, type: typeOf(shape, lines.integersFit, 1) }));
  const doubtful = lines.integersFit ? [] : columns.filter(({ type }) => DOUBTFUL.has(type.typeId));
  if (doubtful.length === 0) return columns;
  const types = await exactTypes(engine, lines, doubtful);
  return columns.map(({ name, type }) => ({ name, type: types.get(name) ?? type }));
}

/** The structure that makes `json_transform` give this type, to be written as JSON. */
export function transformOf(type: DuckDBType): unknown {
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) return [transformOf(type.valueType)];
  if (type instanceof DuckDBStructType) {
    return Object.fromEntries(type.entryNames.map((name, i) => [name, transformOf(type.entryTypes[i]!)]));
  }
  return sqlType(type);
}

function shapeIn(value: unknown): JsonShape {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return [shapeIn(value[0])];
  return new Map(Object.entries(value as object).map(([name, child]) => [name, shapeIn(child)]));
}

/**
 * The structure of values of both. Text joins with anything to text: as JSON, one number among the texts would put
 * all of them into quotes.
 */
function mergedShape(a: JsonShape, b: JsonShape): JsonShape {
  if (a === b || b === 'NULL') return a;
  if (a === 'NULL') return b;
  if (a instanceof Map && b instanceof Map) {
    const both = new Map(a);
    for (const [name, shape] of b) {
      const other = both.get(name);
      both.set(name, other === undefined ? shape : mergedShape(other, shape));
    }
    return both;
  }
  if (Array.isArray(a) && Array.isArray(b)) return [mergedShape(a[0], b[0])];
  if (a === 'VARCHAR' || b === 'VARCHAR') return 'VARCHAR';
  if (!isNumber(a) || !isNumber(b)) return 'JSON';
  // UBIGINT is what an integer without a sign has, BIGINT one with a sign.
  return a === 'DOUBLE' || b === 'DOUBLE' ? 'DOUBLE' : 'HUGEINT';
}

function typeOf(shape: JsonShape, integersFit: boolean, depth: number): DuckDBType {
  if (typeof shape !== 'string' && depth > MAX_DEPTH) return JSON_TEXT;
  if (Array.isArray(shape)) return LIST(typeOf(shape[0], integersFit, depth + 1));
  if (shape instanceof Map) {
    const names = [...shape.keys()];
    // DuckDB's struct fields do not differ by case alone.
    const distinct = new Set(names.map((name) => name.toLowerCase())).size;
    if (names.length > MAX_FIELDS || distinct < names.length || !names.every(isName)) return JSON_TEXT;
    const types = [...shape.values()].map((child) => typeOf(child, integersFit, depth + 1));
    return new DuckDBStructType(names, types);
  }
  if (shape === 'NULL') return SQLNULL;
  if (shape === 'VARCHAR') return VARCHAR;
  if (shape === 'BOOLEAN') return BOOLEAN;
  const isInteger = isNumber(shape) && shape !== 'DOUBLE';
  return isInteger && integersFit ? BIGINT : (NUMBERS[shape] ?? JSON_TEXT);
}

/** Whether DuckDB can have a column or field of this name. */
function isName(key: string): boolean {
  return key !== '' && !key.includes('\0');
}

function isNumber(shape: JsonShape): boolean {
  return typeof shape === 'string' && shape in NUMBERS;
}

const NUMBERS: Record<string, DuckDBType> = { BIGINT, UBIGINT, HUGEINT, DOUBLE };

/** The types that integers get which may not fit BIGINT. DuckDB takes those beyond UBIGINT for DOUBLE. */
const DOUBTFUL: ReadonlySet<DuckDBTypeId> = new Set([
  DuckDBTypeId.UBIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.DOUBLE,
]);

/** The types that keep the integers of these columns exact: BIGINT, HUGEINT, or text. */
async function exactTypes(
  engine: Engine,
  lines: JsonLines,
  columns: readonly Column[],
): Promise<Map<string, DuckDBType>> {
  const questions = columns.flatMap(({ name }, i) => {
    const value = `json_extract_string(text, ${jsonPointer(name)})`;
    return [
      `bool_and(regexp_full_match(${value}, '-?[0-9]+')) AS integers${i}`,
      `bool_and(TRY_CAST(${value} AS BIGINT) IS NOT NULL OR ${value} IS NULL) AS big${i}`,
      `bool_and(TRY_CAST(${value} AS HUGEINT) IS NOT NULL OR ${value} IS NULL) AS huge${i}`,
    ];
  });
  const [answers = {}] = await engine.rows(`SELECT ${questions.join(', ')} FROM (${lines.sql})`);
  const types = columns.map(({ name, type }, i): [string, DuckDBType] => {
    if (!answers[`integers${i}`]) return [name, type];
    if (answers[`big${i}`]) return [name, BIGINT];
    return [name, answers[`huge${i}`] ? HUGEINT : VARCHAR];
  });
  return new Map(types);
}

/** A key as a SQL literal that the JSON functions read as a path: RFC 6901, which takes any key. */
export function jsonPointer(key: string): string {
  return quoteLiteral(`/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
}
