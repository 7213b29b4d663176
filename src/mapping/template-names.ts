import { Environment, type Node } from './jinja.ts';
import { nearest } from '../nearest.ts';
import { globalNames, type KnownNodes } from './template-sandbox.ts';

/** Filters of `@huggingface/jinja` 0.5.11; a test holds this list against the library. */
export const filterNames = [
  'abs',
  'bool',
  'capitalize',
  'default',
  'dictsort',
  'first',
  'float',
  'get',
  'indent',
  'int',
  'items',
  'join',
  'keys',
  'last',
  'length',
  'list',
  'lower',
  'map',
  'rejectattr',
  'replace',
  'reverse',
  'safe',
  'selectattr',
  'sort',
  'string',
  'title',
  'tojson',
  'trim',
  'unique',
  'upper',
  'values',
] as const;

/** Names that a loop or a macro declares in its body. */
const impliedNames = ['loop', 'caller', 'varargs', 'kwargs'] as const;

/** A template, looked through: what it names, before any row is there. */
export interface TemplateNames extends KnownNodes {
  /** Expressions that are a variable, or a member of one: `title`, `meta.tags[0]`. Outermost first; none twice. */
  references: Reference[];
  /** Names that the template declares itself (`set`, `for`, `macro`), anywhere in it. */
  declared: ReadonlySet<string>;
  /** What is wrong with it whatever the columns are: an unknown filter or test, something that may not be used. */
  problems: { message: string; suggestion?: string | undefined }[];
}

/** A variable and the members that are looked up in it; an index that only the row tells ends the chain. */
export interface Reference {
  name: string;
  members: (string | number)[];
}

/** Walks a parsed template, conservatively: what might be a column is listed. */
export function namesIn(program: Node): TemplateNames {
  const walk = new NameWalk();
  walk.visit(program);
  return walk;
}

type Fields = Record<string, unknown>;

class NameWalk implements TemplateNames {
  readonly references: Reference[] = [];
  readonly declared = new Set<string>();
  readonly methods = new Set<Node>();
  readonly iterables = new Set<Node>();
  readonly problems: { message: string; suggestion?: string | undefined }[] = [];
  readonly #tests = [...new Environment().tests.keys()];

  visit(node: unknown): void {
    if (Array.isArray(node)) for (const item of node) this.visit(item);
    else if (node instanceof Map) for (const entry of node) this.visit(entry);
    else if (isNode(node)) this.#node(node);
  }

  #node(node: Node & Fields): void {
    switch (node.type) {
      case 'Identifier':
        this.references.push({ name: node.value as string, members: [] });
        return;
      case 'MemberExpression':
        this.#member(node);
        return;
      case 'CallExpression':
        if (isNode(node.callee) && !node.callee.computed) this.methods.add(node.callee);
        break;
      case 'KeywordArgumentExpression':
        this.visit(node.value);
        return;
      case 'FilterExpression':
        this.visit(node.operand);
        this.#filter(node.filter as Node & Fields);
        return;
      case 'FilterStatement':
        this.problems.push({ message: 'uses {% filter %}', suggestion: 'apply the filter with | instead' });
        return;
      case 'TestExpression':
        this.visit(node.operand);
        this.#known('test', (node.test as Fields).value as string, this.#tests);
        return;
      case 'For':
        this.#declare(node.loopvar);
        this.iterables.add(iterableOf(node));
        this.visit([node.iterable, node.body, node.defaultBlock]);
        return;
      case 'Set':
        if (!this.#declare(node.assignee)) this.visit(node.assignee);
        this.visit([node.value, node.body]);
        return;
      case 'Macro':
        this.#declare(node.name);
        this.#parameters(node.args);
        this.visit(node.body);
        return;
      case 'CallStatement':
        this.#parameters(node.callerArgs);
        this.visit([node.call, node.body]);
        return;
    }
    this.visit(Object.values(node).filter((value) => typeof value === 'object'));
  }

  #member(node: Node & Fields): void {
    const members: (string | number)[] = [];
    let inner: Node & Fields = node;
    while (inner.type === 'MemberExpression') {
      const property = inner.property as Node & Fields;
      const isLiteral = property.type === 'StringLiteral' || property.type === 'IntegerLiteral';
      if (!inner.computed || isLiteral) members.unshift(property.value as string | number);
      else {
        // Only the row tells which member this is; what is looked up in it is not known either.
        members.length = 0;
        this.visit(property);
      }
      inner = inner.object as Node & Fields;
    }
    if (inner.type === 'Identifier') this.references.push({ name: inner.value as string, members });
    else this.visit(inner);
  }

  #filter(filter: Node & Fields): void {
    const callee = (filter.type === 'CallExpression' ? filter.callee : filter) as Fields;
    this.#known('filter', String(callee.value), filterNames);
    this.visit(filter.args);
  }

  #known(what: string, name: string, names: readonly string[]): void {
    if (names.includes(name)) return;
    const near = nearest(name, names);
    const suggestion = near === undefined ? `there are ${names.join(', ')}` : `did you mean "${near}"?`;
    this.problems.push({ message: `unknown ${what} "${name}"`, suggestion });
  }

  /** Takes the names of a loop's or a `set`'s target; false where it is a member of something. */
  #declare(target: unknown): boolean {
    if (!isNode(target)) return true;
    if (target.type === 'Identifier') this.declared.add(target.value as string);
    else if (target.type === 'TupleLiteral')
      for (const item of target.value as unknown[]) this.#declare(item);
    else return false;
    return true;
  }

  #parameters(parameters: unknown): void {
    for (const parameter of (parameters ?? []) as (Node & Fields)[]) {
      const isDefaulted = parameter.type === 'KeywordArgumentExpression';
      this.#declare(isDefaulted ? parameter.key : parameter);
      if (isDefaulted) this.visit(parameter.value);
    }
  }
}

/** `for x in xs if x` goes over `xs`. */
function iterableOf({ iterable }: Fields): Node {
  const node = iterable as Node & Fields;
  return node.type === 'SelectExpression' ? (node.lhs as Node) : node;
}

/** Whether the name is one that every template knows. */
export function isGlobalName(name: string): boolean {
  return [...globalNames, ...impliedNames].some((known) => known === name);
}

function isNode(value: unknown): value is Node & Fields {
  return typeof value === 'object' && value !== null && 'type' in value && !('lastIndex' in value);
}
