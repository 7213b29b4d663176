import { Environment, type Evaluator, Interpreter, type Node, type Scope, type Value } from './jinja.ts';

/** Longest text that a template may make, in characters; also a bound on every value in between. */
export const longestText = 10_000_000;
/** Evaluated nodes, plus one for each 64 characters or items that they handle; about half a second. */
const mostWork = 3_000_000;
/** Beyond this nesting the stack would decide, and near its end a regular expression aborts the process. */
const deepest = 400;
const deepestValue = 64;
/** Items of one list or mapping. */
const mostItems = 1_000_000;

/** Nodes of a template that mean more than their type tells. */
export interface KnownNodes {
  /** What is called where it stands, by a name that stands in the template: `title.split("-")`. */
  methods: ReadonlySet<Node>;
  /** What `for` goes over. */
  iterables: ReadonlySet<Node>;
}

const longestRange = 100_000;
const widestIndent = 1000;

/**
 * Evaluates a template over one row, within bounds: no loop, doubling or nesting makes it run away. The library gives
 * templates no way to JavaScript objects (values are wrapped, members are looked up in maps), so that what is left to
 * bound is time and memory.
 * @throws {Error} whatever is wrong with the template for this row
 */
export function renderTemplate(program: Node, names: KnownNodes, row: Record<string, unknown>): string {
  const scope = new Environment(globals());
  // Each scope declares `namespace` itself; a column of that name would clash with it.
  for (const [name, value] of Object.entries(row)) {
    scope.variables.delete(name);
    scope.set(name, value);
  }
  const text = String(new BoundedInterpreter(scope, names).run(program).value);
  if (text.length > longestText) throw new Error(tooLong);
  return text;
}

interface Size {
  characters: number;
  /** Lists and mappings within each other. */
  depth: number;
}

const oneCharacter: Size = { characters: 1, depth: 0 };

const tooDeep = 'is nested too deep';
const tooLong = `makes more than ${longestText} characters`;

/** What a template may use beside the row. Nothing that gives another answer tomorrow: a run must be repeatable. */
export const globalNames = [
  'true',
  'false',
  'none',
  'True',
  'False',
  'None',
  'range',
  'raise_exception',
  'namespace',
] as const;

let sharedGlobals: Scope | undefined;

function globals(): Scope {
  if (sharedGlobals !== undefined) return sharedGlobals;
  const scope = new Environment();
  for (const [name, value] of [
    ['true', true],
    ['false', false],
    ['none', null],
  ] as const) {
    scope.set(name, value);
    scope.set(name[0]!.toUpperCase() + name.slice(1), value);
  }
  scope.set('range', boundedRange);
  scope.set('raise_exception', (message: unknown) => {
    throw new Error(String(message));
  });
  sharedGlobals = scope;
  return scope;
}

/** Python's `range`, of at most 100,000 numbers. */
function boundedRange(...given: unknown[]): number[] {
  const numbers = given.map(Number);
  const [start, stop, step = 1] = numbers.length < 2 ? [0, numbers[0]] : numbers;
  const count = Math.ceil((stop! - start!) / step);
  if (!Number.isFinite(count)) throw new Error('range() takes whole numbers, and a step that is not 0');
  if (count > longestRange) throw new Error(`range() makes at most ${longestRange} numbers`);
  return Array.from({ length: Math.max(0, count) }, (_, i) => start! + i * step);
}

class BoundedInterpreter extends Interpreter implements Evaluator {
  readonly #names: KnownNodes;
  /** Sizes of lists and mappings; they do not change once made. */
  readonly #sizes = new WeakMap<object, Size>();
  #work = 0;
  #depth = 0;

  constructor(scope: Scope, names: KnownNodes) {
    super(scope);
    this.#names = names;
  }

  override evaluate(node: Node | undefined, scope: Scope): Value | undefined {
    if (++this.#depth > deepest) throw new Error(tooDeep);
    try {
      this.#checkGrowth(node, scope);
      // The first item of an empty list is undefined, which the library passes on without wrapping it.
      const value = super.evaluate(node, scope) ?? super.evaluate(undefined, scope)!;
      this.#account(value, node !== undefined && this.#names.iterables.has(node));
      // Methods are only met where they are called, so that #checkGrowth sees every call.
      if (
        value.type === 'FunctionValue' &&
        node?.type === 'MemberExpression' &&
        !this.#names.methods.has(node)
      ) {
        throw new Error('names a method without calling it');
      }
      return value;
    } finally {
      this.#depth--;
    }
  }

  #account(value: Value, isLooped: boolean): void {
    const inner = value.value;
    let length = 0;
    if (typeof inner === 'string') length = inner.length;
    else if (Array.isArray(inner)) length = inner.length;
    else if (inner instanceof Map) length = inner.size;
    // A turn of a loop costs something even where its body is empty.
    this.#work += 1 + (isLooped ? length * 10 : length >> 6);
    if (this.#work > mostWork) throw new Error('takes too much work: a loop in it runs too long');
    if (length === 0) return;
    if (typeof inner !== 'string' && length > mostItems)
      throw new Error(`makes a list of more than ${mostItems} items`);
    const { characters, depth } = this.#size(value);
    if (characters > longestText) throw new Error(tooLong);
    if (depth > deepestValue) throw new Error(tooDeep);
  }

  /** What a value would be as text. A list that holds another one many times is as large as its text would be. */
  #size({ type, value }: Value): Size {
    if (typeof value === 'string') return { characters: value.length + 1, depth: 0 };
    if (!Array.isArray(value) && !(value instanceof Map)) return oneCharacter;
    const known = this.#sizes.get(value);
    if (known !== undefined) return known;
    const size = { characters: 1, depth: 0 };
    for (const item of value.values() as Iterable<Value>) {
      // A namespace can change, so that it could come to hold itself.
      if (item.type === 'NamespaceValue') throw new Error('puts a namespace into another value');
      const { characters, depth } = this.#size(item);
      size.characters += characters;
      size.depth = Math.max(size.depth, depth + 1);
    }
    if (type !== 'NamespaceValue') this.#sizes.set(value, size);
    return size;
  }

  /** Refuses the few operations that make a text much longer than what goes into them, before they do. */
  #checkGrowth(node: Node | undefined, scope: Scope): void {
    const call = node && growingCall(node);
    if (call === undefined) return;
    const values = call.nodes.map((part) => super.evaluate(part, scope));
    if (call.name !== 'replace') {
      const width = values.find((value) => typeof value?.value === 'number' && value.value > widestIndent);
      if (width !== undefined) throw new Error(`${call.name}: indents by at most ${widestIndent} characters`);
      return;
    }
    const [text, old, next] = values.map((value) => value?.value);
    if (typeof text !== 'string' || typeof old !== 'string' || typeof next !== 'string') return;
    const most = Math.floor(text.length / Math.max(1, old.length)) + 1;
    this.#work += text.length >> 6;
    const grows = most * next.length > longestText && occurrences(text, old) * next.length > longestText;
    if (grows) throw new Error(tooLong);
  }
}

interface CallNode extends Node {
  callee: Node & { value?: unknown; object?: Node; property?: Node & { value?: unknown } };
  args: (Node & { value?: Node })[];
}

/** The parts of a call of `replace`, `indent` or `tojson`, as a method or as a filter. */
function growingCall(node: Node): { name: string; nodes: Node[] } | undefined {
  let call: CallNode;
  let operand: Node | undefined;
  let name: unknown;
  if (node.type === 'CallExpression') {
    call = node as CallNode;
    operand = call.callee.object;
    name = call.callee.property?.value;
  } else if (node.type === 'FilterExpression') {
    ({ operand, filter: call } = node as Node & { operand: Node; filter: CallNode });
    if (call.type !== 'CallExpression') return undefined;
    name = call.callee.value;
  } else return undefined;
  if (operand === undefined || (name !== 'replace' && name !== 'indent' && name !== 'tojson'))
    return undefined;
  const nodes = [operand];
  for (const argument of call.args) {
    if (argument.type.endsWith('SpreadExpression'))
      throw new Error(`${name}: takes its arguments one by one`);
    if (argument.type !== 'KeywordArgumentExpression') nodes.push(argument);
    else if (name !== 'replace') nodes.push(argument.value!);
  }
  return { name, nodes };
}

function occurrences(text: string, part: string): number {
  if (part === '') return text.length + 1;
  let count = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count++;
  return count;
}
