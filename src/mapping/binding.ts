import { DataType, type Field, type RecordBatch, type Schema } from 'apache-arrow';
import type { Binding } from '../spec/job.ts';
import { bindColumn, type ColumnPath, columnNames, resolveColumn } from './column-path.ts';
import { MappingError } from './mapping-error.ts';
import { mediaAt, mediaOf } from './media-input.ts';
import type { MediaReader } from './named-bytes.ts';
import { elementOf, holdsBinary, isBinary, isText, plainValue } from './plain-value.ts';
import { tableIn, tableOf } from './table-input.ts';
import { type BindingProblem, compileTemplate, suggestColumn } from './template.ts';
import { parseJson, textReader, textsOf } from './text-input.ts';

/** What a value is for: what a task takes, in the words of `tasks/task.ts`, or a parameter, which may be anything. */
export type ValueKind = 'text' | 'texts' | 'audio' | 'image' | 'table' | 'parameter';

/** Reads one value of a row; null and undefined: there is none. */
export type Read = (row: number) => unknown;

/** A binding that was held against the schema. */
export interface CompiledBinding {
  /** Not empty: `bind` must not be called. */
  problems: BindingProblem[];
  /** Top-level source columns that it needs. */
  columns: readonly string[];
  /** @throws {MappingError} from the function it returns */
  bind(batch: RecordBatch, file: string): Read;
  /** Its values may be promises. */
  reads?: 'files';
}

/** Holds one binding against the schema. */
export function compileBinding(
  { binding, kind }: { binding: Binding; kind: ValueKind },
  schema: Schema,
  reader: MediaReader,
): CompiledBinding {
  if (binding.kind === 'literal') return literalInput(binding.value, kind, reader);
  if (binding.kind === 'template') return templateInput(binding.template, kind, schema, reader);
  const path = resolveColumn(schema, binding.column);
  if (path === undefined) return unknownColumn(binding.column, schema);
  switch (kind) {
    case 'text':
      return isText(path.type)
        ? { problems: [], columns: [path.column], bind: (batch) => textReader(bindColumn(batch, path)) }
        : wrongType(path, 'a text', `make one with a template: "${exampleTemplate(path)}"`);
    case 'texts': {
      const element = elementOf(path.type);
      if (element !== undefined && isText(element)) return fromColumn(path, textsOf);
      if (isText(path.type)) return fromColumn(path, (value) => textsOf(parseJson(value as string)));
      return wrongType(path, 'a list of texts', 'make one with a template: "{{ [a, b] | tojson }}"');
    }
    case 'table':
      return tableInput(path, reader);
    case 'parameter':
      return holdsBinary(path.type)
        ? wrongType(path, 'a parameter', 'bytes cannot be one')
        : fromColumn(path, (value) => plainValue(path.type, value));
    default:
      return mediaInput(path, kind, reader);
  }
}

/** A template makes a text; where something else is wanted, its JSON, or the path of a file. */
function templateInput(text: string, kind: ValueKind, schema: Schema, reader: MediaReader): CompiledBinding {
  const template = compileTemplate(text, schema);
  const mapped = (make: (text: string, file: string) => unknown): CompiledBinding => ({
    ...template,
    bind: (batch, file) => {
      const render = template.bind(batch);
      return (row) => make(render(row), file);
    },
  });
  if (kind === 'text' || kind === 'parameter') return template;
  if (kind === 'texts') return mapped((json) => textsOf(parseJson(json)));
  if (kind === 'table') return { ...mapped((named, file) => tableIn(named, file, reader)), reads: 'files' };
  return { ...mapped((name, file) => mediaAt(kind, name, file, reader)), reads: 'files' };
}

function tableInput(path: ColumnPath, reader: MediaReader): CompiledBinding {
  const { type } = path;
  if (isText(type)) {
    return {
      ...fromColumn(path, (value, file) => tableIn(value as string, file, reader)),
      reads: 'files',
    };
  }
  const columns: readonly Field[] = DataType.isMap(type)
    ? ((type.children[0] as Field).type.children as Field[]).slice(1)
    : DataType.isStruct(type)
      ? type.children
      : [];
  if (
    columns.length > 0 &&
    !holdsBinary(type) &&
    columns.every((column) => elementOf(column.type) !== undefined)
  ) {
    return fromColumn(path, (value) => tableOf(plainValue(type, value)));
  }
  return wrongType(
    path,
    'a table',
    'it takes a struct or map of lists, JSON text, or the paths of CSV files',
  );
}

function mediaInput(path: ColumnPath, kind: 'audio' | 'image', reader: MediaReader): CompiledBinding {
  const { type } = path;
  if (isBinary(type)) return fromColumn(path, (value) => mediaOf(kind, value as Uint8Array));
  if (isText(type)) {
    return {
      ...fromColumn(path, (value, file) => mediaAt(kind, value as string, file, reader)),
      reads: 'files',
    };
  }
  const fields: readonly Field[] = DataType.isStruct(type) ? type.children : [];
  const typeOf = (name: string) => fields.find((field) => field.name === name)?.type;
  const [bytesType, pathType] = [typeOf('bytes'), typeOf('path')];
  if (bytesType === undefined || !isBinary(bytesType)) {
    return wrongType(
      path,
      kind === 'image' ? 'an image' : 'a sound',
      'it takes bytes, {bytes, path}, or the paths of files',
    );
  }
  const hasPath = pathType !== undefined && isText(pathType);
  const read = (value: unknown, file: string) => {
    const { bytes, path: name } = value as { bytes: Uint8Array | null; path?: string | null };
    if (bytes !== null) return mediaOf(kind, bytes);
    return hasPath && typeof name === 'string' ? mediaAt(kind, name, file, reader) : null;
  };
  return hasPath ? { ...fromColumn(path, read), reads: 'files' } : fromColumn(path, read);
}

/** Reads a column; `make` never sees null. */
function fromColumn(path: ColumnPath, make: (value: unknown, file: string) => unknown): CompiledBinding {
  return {
    problems: [],
    columns: [path.column],
    bind: (batch, file) => {
      const { value } = bindColumn(batch, path);
      return (row) => {
        const found = value(row);
        return found === null ? null : make(found, file);
      };
    },
  };
}

/** The same for every row; what is named by a path or URL is named as in a column. */
function literalInput(value: unknown, kind: ValueKind, reader: MediaReader): CompiledBinding {
  const bound = (read: (file: string) => unknown): CompiledBinding => ({
    problems: [],
    columns: [],
    bind: (_, file) => () => read(file),
  });
  if (kind === 'audio' || kind === 'image') {
    if (typeof value === 'string')
      return { ...bound((file) => mediaAt(kind, value, file, reader)), reads: 'files' };
    return wrongLiteral(`is not the path of ${kind === 'image' ? 'an image' : 'a sound'}`);
  }
  if (kind === 'table' && typeof value === 'string')
    return { ...bound((file) => tableIn(value, file, reader)), reads: 'files' };
  try {
    const literal = literalOf(value, kind);
    return bound(() => literal);
  } catch (error) {
    if (error instanceof MappingError) return wrongLiteral(error.message);
    throw error;
  }
}

function literalOf(value: unknown, kind: ValueKind): unknown {
  if (kind === 'texts') return textsOf(value);
  if (kind === 'table') return tableOf(value);
  if (kind === 'text' && typeof value !== 'string') throw new MappingError('is not a text');
  return value;
}

function wrongLiteral(message: string): CompiledBinding {
  return impossible({ kind: 'wrong-column-type', message: `the value ${message}` });
}

function unknownColumn(name: string, schema: Schema): CompiledBinding {
  const suggestion = suggestColumn(schema, name, columnNames(schema.fields));
  return impossible({ kind: 'unknown-column', message: `unknown column "${name}"`, suggestion });
}

function wrongType(path: ColumnPath, wanted: string, suggestion: string): CompiledBinding {
  const message = `column "${path.text}" is ${path.type}, not ${wanted}`;
  return impossible({ kind: 'wrong-column-type', message, suggestion });
}

function impossible(problem: BindingProblem): CompiledBinding {
  return { problems: [problem], columns: [], bind: () => () => null };
}

function exampleTemplate({ column, fields }: ColumnPath): string {
  const isIdentifier = /^[A-Za-z_]\w*$/.test(column);
  return `{{ ${[isIdentifier ? column : `row["${column}"]`, ...fields].join('.')} }}`;
}
