/**
 * Servers count the characters of a text in Unicode code points, as Python does; JavaScript counts UTF-16 units, and
 * beyond the first emoji the two differ.
 * @param unit an index as `String.prototype.indexOf` and `RegExp` give it
 * @returns the same place in code points
 */
export function codePointIndex(text: string, unit: number): number {
  let count = 0;
  for (let i = 0; i < unit; count++) i += text.codePointAt(i)! > 0xffff ? 2 : 1;
  return count;
}
