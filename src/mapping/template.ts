import { DataType, type Field, type RecordBatch, type Schema } from 'apache-arrow';
import { messageOf } from '../errors.ts';
import { nearest } from '../nearest.ts';
import { bindColumn, resolveColumn } from './column-path.ts';
import { type Node, parseTemplate } from './jinja.ts';
import { MappingError } from './mapping-error.ts';
import { elementOf, holdsBinary, isText, plainValue } from './plain-value.ts';
import { isGlobalName, namesIn, type Reference } from './template-names.ts';
import { renderTemplate } from './template-sandbox.ts';
import { textReader } from './text-input.ts';

/** What is wrong with a binding, told before the run. */
export interface BindingProblem {
  kind: 'unknown-column' | 'wrong-column-type' | 'bad-template';
  message: string;
  /** The next step, or the name that was probably meant. */
  suggestion?: string;
}

export interface Template {
  problems: BindingProblem[];
  /** Source columns that it needs. */
  columns: string[];
  /** Makes the text of each row of a batch. @throws {MappingError} from the function it returns */
  bind(batch: RecordBatch): (row: number) => string;
}

/** Longest template, in characters: the parser's time grows with its square. */
const longestTemplate = 50_000;

/**
 * Parses a template and holds it against the columns. In a template, columns are variables by their names; one whose
 * name is no identifier is reached as `row["odd name"]`.
 */
export function compileTemplate(text: string, schema: Schema): Template {
  const parsed = parse(text);
  if ('kind' in parsed) return { problems: [parsed], columns: [], bind: () => () => '' };
  const { program, names } = parsed;
  const checker = new ReferenceChecker(schema, names.declared);
  for (const reference of names.references) checker.check(reference);
  const problems: BindingProblem[] = names.problems.map(({ message, suggestion }) => ({
    kind: 'bad-template',
    message: `template ${message}`,
    ...(suggestion === undefined ? {} : { suggestion }),
  }));
  const columns = [...checker.columns];
  return {
    problems: [...problems, ...checker.problems],
    columns,
    bind: (batch) => {
      const values = columns.map((column) => ({ column, read: valueReader(batch, schema, column) }));
      return (row) => {
        const variables: Record<string, unknown> = {};
        for (const { column, read } of values) define(variables, column, read(row));
        if (checker.namesRow) define(variables, 'row', { ...variables });
        try {
          return renderTemplate(program, names, variables);
        } catch (error) {
          throw new MappingError(`template ${messageOf(error)}`);
        }
      };
    },
  };
}

function parse(text: string): { program: Node; names: ReturnType<typeof namesIn> } | BindingProblem {
  const fail = (message: string): BindingProblem => ({
    kind: 'bad-template',
    message: `template ${message}`,
  });
  if (text.length > longestTemplate) return fail(`is longer than ${longestTemplate} characters`);
  try {
    const program = parseTemplate(text);
    return { program, names: namesIn(program) };
  } catch (error) {
    // The parser reads beyond the end of what is not closed.
    if (error instanceof TypeError) return fail('is not complete: a tag, a bracket or a block is not closed');
    if (error instanceof RangeError) return fail('is nested too deep');
    return fail(`does not parse: ${messageOf(error).replace(/^Parser Error: /, '')}`);
  }
}

function valueReader(batch: RecordBatch, schema: Schema, column: string): (row: number) => unknown {
  const path = resolveColumn(schema, column)!;
  const bound = bindColumn(batch, path);
  return isText(path.type) ? textReader(bound) : (row) => plainValue(path.type, bound.value(row));
}

/** A plain assignment to `__proto__` would set a prototype. */
function define(target: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

const textMembers = [
  'capitalize',
  'endswith',
  'length',
  'lower',
  'lstrip',
  'replace',
  'rstrip',
  'split',
  'startswith',
  'strip',
  'title',
  'upper',
];
const mappingMembers = ['dictsort', 'get', 'items', 'keys', 'values'];

/** Holds what a template names against the columns and their types. */
class ReferenceChecker {
  readonly problems: BindingProblem[] = [];
  readonly columns = new Set<string>();
  /** The template reaches columns through `row["…"]`. */
  namesRow = false;
  readonly #schema: Schema;
  readonly #declared: ReadonlySet<string>;
  readonly #said = new Set<string>();

  constructor(schema: Schema, declared: ReadonlySet<string>) {
    this.#schema = schema;
    this.#declared = declared;
  }

  check({ name, members }: Reference): void {
    const field = this.#field(name);
    if (field !== undefined) {
      this.columns.add(name);
      // A name that the template declares too may mean either; its members cannot be judged.
      if (!this.#declared.has(name)) this.#checkMembers(name, field.type, members);
    } else if (name === 'row' && !this.#declared.has(name)) this.#checkRow(members);
    else if (name === 'strftime_now') {
      this.#report(
        'bad-template',
        'template asks for the time: a run must give the same texts when it is resumed',
      );
    } else if (!this.#declared.has(name) && !isGlobalName(name))
      this.#unknown(`template names "${name}", which`, name);
  }

  #checkRow([column, ...members]: (string | number)[]): void {
    const field = this.#field(String(column));
    if (column === undefined) {
      this.#report('bad-template', 'template takes the whole row', 'name the columns: row["a"]');
    } else if (field === undefined) this.#unknown(`template names row["${column}"], which`, String(column));
    else {
      this.namesRow = true;
      this.columns.add(field.name);
      this.#checkMembers(field.name, field.type, members);
    }
  }

  #checkMembers(text: string, type: DataType, members: readonly (string | number)[]): void {
    const [member, ...rest] = members;
    if (member === undefined) {
      if (holdsBinary(type)) this.#report('wrong-column-type', `template shows "${text}", which holds bytes`);
      return;
    }
    const inner = `${text}.${member}`;
    const element = elementOf(type);
    if (DataType.isStruct(type)) {
      const fields: readonly Field[] = type.children;
      const field = fields.find((candidate) => candidate.name === member);
      if (field !== undefined) this.#checkMembers(inner, field.type, rest);
      else if (mappingMembers.includes(String(member))) this.#checkMembers(text, type, []);
      else
        this.#noMember(
          inner,
          text,
          [...fields.map((candidate) => candidate.name), ...mappingMembers],
          member,
        );
    } else if (element !== undefined && typeof member === 'number') this.#checkMembers(inner, element, rest);
    else if (DataType.isMap(type)) this.#checkMembers(text, type, []);
    else if (isText(type) && typeof member === 'number') return;
    else {
      const known = isText(type) ? textMembers : element === undefined ? [] : ['length'];
      if (!known.includes(String(member))) this.#noMember(inner, text, known, member);
    }
  }

  #noMember(whole: string, outer: string, known: readonly string[], member: string | number): void {
    const near = nearest(String(member), known);
    const others = known.length === 0 ? undefined : `it has ${known.join(', ')}`;
    const suggestion = near === undefined ? others : `did you mean "${near}"?`;
    this.#report(
      'unknown-column',
      `template names "${whole}", but "${outer}" has no "${member}"`,
      suggestion,
    );
  }

  #unknown(beginning: string, name: string): void {
    this.#report('unknown-column', `${beginning} is no column`, suggestColumn(this.#schema, name));
  }

  #report(kind: BindingProblem['kind'], message: string, suggestion?: string): void {
    if (this.#said.has(message)) return;
    this.#said.add(message);
    this.problems.push({ kind, message, ...(suggestion === undefined ? {} : { suggestion }) });
  }

  #field(name: string): Field | undefined {
    return this.#schema.fields.find((field) => field.name === name);
  }
}

/** The nearest column, or else all of them. */
export function suggestColumn(
  schema: Schema,
  name: string,
  names = schema.fields.map((field) => field.name),
): string {
  const near = nearest(name, names);
  if (near !== undefined) return `did you mean "${near}"?`;
  const shown = schema.fields.slice(0, 20).map((field) => field.name);
  return `columns are ${shown.join(', ')}${schema.fields.length > shown.length ? ', …' : ''}`;
}
