import type * as z from 'zod';
import { nearest } from '../nearest.ts';
import { didYouMean, type Locate, type Problem } from './problem.ts';

/**
 * A validation issue as problems for a person.
 * @param prefix path in the job file of what was validated
 * @param fields names that are known at a path, for "did you mean"
 */
export function problemsOf(
  issue: z.core.$ZodIssue,
  prefix: readonly PropertyKey[],
  locate: Locate,
  fields: (path: readonly PropertyKey[]) => string[],
): Problem[] {
  const path = [...prefix, ...issue.path];
  const name = path.map(String).join('.');
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        kind: 'unknown-field',
        message: `unknown field "${key}"${path.length === 0 ? '' : ` in ${name}`}`,
        ...suggestField(key, path, fields),
        ...locate([...path, key], 'key'),
      }));
    case 'invalid_type':
      if (issue.input === undefined && isMissing(issue)) {
        return [missingField(name, path, locate)];
      }
      return [{ kind: 'wrong-type', message: `${name}: wanted ${words(issue.expected)}`, ...locate(path) }];
    case 'invalid_value':
      return [
        {
          kind: 'invalid-option',
          message: `${name}: wanted ${issue.values.map(String).join(', ')}`,
          ...didYouMean(nearest(String(issue.input), issue.values.map(String))),
          ...locate(path),
        },
      ];
    case 'too_small':
      return [{ kind: 'invalid-option', message: `${name}: wanted ${atLeast(issue)}`, ...locate(path) }];
    case 'too_big':
      return [
        { kind: 'invalid-option', message: `${name}: wanted at most ${issue.maximum}`, ...locate(path) },
      ];
    case 'invalid_key':
      return [
        {
          kind: 'invalid-option',
          message: `${name}: ${issue.issues.map(({ message }) => message).join(', ')}`,
          ...locate(path, 'key'),
        },
      ];
    case 'invalid_union':
      if (issue.errors.flat().every((error) => error.code === 'invalid_type' && isMissing(error))) {
        return [missingField(name, path, locate)];
      }
      return [
        {
          kind: 'wrong-type',
          message: `${name}: ${issue.message}`,
          ...suggestOfChoices(issue),
          ...locate(path),
        },
      ];
    default:
      return [{ kind: 'wrong-type', message: `${name}: ${issue.message}`, ...locate(path) }];
  }
}

/** `{colum: text}`: a key that none of the choices has, near one that they miss. */
function suggestOfChoices(issue: z.core.$ZodIssueInvalidUnion): { suggestion?: string } {
  const errors = issue.errors.flat();
  const strange = errors.flatMap((error) => (error.code === 'unrecognized_keys' ? error.keys : []));
  const missed = errors.flatMap((error) => error.path.slice(0, 1).map(String));
  return didYouMean(strange.map((key) => nearest(key, missed)).find((name) => name !== undefined));
}

function missingField(name: string, path: readonly PropertyKey[], locate: Locate): Problem {
  return { kind: 'missing-field', message: `${name} is missing`, ...locate(path.slice(0, -1), 'key') };
}

/** zod leaves `input` out of its issues by default: a missing field is told by its message. */
function isMissing(issue: z.core.$ZodIssueInvalidType): boolean {
  return issue.message.endsWith('received undefined');
}

function atLeast(issue: z.core.$ZodIssueTooSmall): string {
  if (issue.origin === 'string' || issue.origin === 'array') return 'something here, this is empty';
  return issue.inclusive === false ? `more than ${issue.minimum}` : `at least ${issue.minimum}`;
}

function words(expected: string): string {
  const known: Record<string, string> = {
    int: 'a whole number',
    number: 'a number',
    string: 'a text',
    boolean: 'true or false',
    array: 'a list',
    object: 'a mapping of fields',
    record: 'a mapping',
  };
  return known[expected] ?? expected;
}

/** The field that was meant: one of this mapping's, or one that stands in another section. */
function suggestField(
  key: string,
  path: readonly PropertyKey[],
  fields: (path: readonly PropertyKey[]) => string[],
): { suggestion?: string } {
  const here = nearest(key, fields(path));
  if (here !== undefined) return didYouMean(here);
  for (const section of fields([])) {
    if (fields([section]).includes(key)) return { suggestion: `it belongs in ${section}: ${section}.${key}` };
  }
  return {};
}
