import * as jinja from '@huggingface/jinja';

// The package's type declarations import without extensions, which no ES module resolution follows: everything in them
// is `any`. These are the parts that are used here, as its source has them.

/** A node of a parsed template. */
export interface Node {
  readonly type: string;
}

/** A value while a template is evaluated. */
export interface Value {
  readonly type: string;
  value: unknown;
}

export interface Scope {
  readonly variables: Map<string, Value>;
  readonly tests: ReadonlyMap<string, unknown>;
  /** Declares a variable, converting a plain JavaScript value; functions become callable. */
  set(name: string, value: unknown): Value;
}

export interface Evaluator {
  run(program: Node): Value;
  /** Evaluates one node; all nodes below it come through here, too. */
  evaluate(node: Node | undefined, scope: Scope): Value | undefined;
}

export const Environment = jinja.Environment as new (parent?: Scope) => Scope;
export const Interpreter = jinja.Interpreter as new (scope: Scope) => Evaluator;

interface Token {
  type: string;
  value: string;
}

const tokenize = jinja.tokenize as (text: string, options: Record<string, boolean>) => Token[];
const parseTokens = jinja.parse as (tokens: Token[]) => Node;

/** Parses a template. As in the field's chat templates, a tag on a line of its own leaves no empty line behind. */
export function parseTemplate(text: string): Node {
  return parseTokens(tokenize(text, { lstrip_blocks: true, trim_blocks: true }));
}
