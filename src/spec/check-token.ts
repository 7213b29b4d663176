import type { Locate, Problem } from './problem.ts';

/**
 * Shorter ones are no secrets but words ("none", "EMPTY") that servers without accounts are given; to look for them
 * would find them everywhere.
 */
const SHORTEST_SECRET = 8;

/** Whether a token or key is one that nobody else may read. */
export function isSecret(value: string): boolean {
  return value.length >= SHORTEST_SECRET || /^(hf_|sk-)/.test(value);
}

/**
 * The token in a field where it does not belong, `${HF_TOKEN}` in an input, say: it would stand in plan.json, in names
 * of files and in what is sent to be answered.
 * @param value the job file with its variables expanded
 */
export function checkToken(
  { backend: _, ...value }: Record<string, unknown>,
  tokens: readonly (string | undefined)[],
  locate: Locate,
): Problem[] {
  const secrets = [...new Set(tokens)].filter((token) => token !== undefined && isSecret(token)) as string[];
  return secrets
    .flatMap((token) => [...placesOf(token, value)])
    .map((path) => ({
      kind: 'invalid-option',
      message: `${path.join('.')}: holds the token, which would be written into the output`,
      suggestion: 'it belongs in backend.token alone, which is sent to that server and written nowhere',
      ...locate(path),
    }));
}

/** Paths of the texts below a value that hold a text. */
function* placesOf(text: string, value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
  if (typeof value === 'string') {
    if (value.includes(text)) yield path;
    return;
  }
  if (value === null || typeof value !== 'object') return;
  for (const [key, item] of Object.entries(value)) yield* placesOf(text, item, [...path, key]);
}
