/** A beginning that two texts have in common is left out from this length on, but for its last letters. */
const longest = 32;
const kept = 16;

/** Two texts from a little before the place where they part: cut at their ends, they would look the same. */
export function fromDifference(one: string, other: string): [string, string] {
  if (one === other) return [one, other];
  const [letters, others] = [[...one], [...other]];
  let common = 0;
  while (common < letters.length && letters[common] === others[common]) common++;
  if (common < longest) return [one, other];
  const from = (all: readonly string[]) => `…${all.slice(common - kept).join('')}`;
  return [from(letters), from(others)];
}
