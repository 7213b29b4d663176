import stringWidth from 'string-width';

/** Widest a cell may be before it is cut; a row of text stays on one line of a common terminal. */
const widest = 56;

/**
 * A plain table: a head, a rule, the rows. Numbers are aligned right, long cells are cut with `…`, line breaks and
 * control characters are shown as spaces, so that data can never move the cursor.
 */
export function table(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = rows.map((row) => row.map(cellText));
  const widths = head.map((name, column) =>
    Math.max(stringWidth(name), ...cells.map((row) => stringWidth(row[column] ?? ''))),
  );
  const right = head.map((_, column) => rows.length > 0 && rows.every((row) => isNumber(row[column])));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const padding = ' '.repeat(Math.max(0, widths[column]! - stringWidth(cell)));
        return right[column] ? padding + cell : cell + padding;
      })
      .join('  ')
      .trimEnd();
  return [line(head), widths.map((width) => '─'.repeat(width)).join('  '), ...cells.map(line)].join('\n');
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'bigint' || value === null || value === undefined;
}

function cellText(value: unknown): string {
  const text = typeof value === 'string' ? value : plainText(value);
  const clean = text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
  if (stringWidth(clean) <= widest) return clean;
  let cut = '';
  let width = 0;
  for (const character of clean) {
    width += stringWidth(character);
    if (width > widest - 1) break;
    cut += character;
  }
  return `${cut}…`;
}

function plainText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number')
    return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (ArrayBuffer.isView(value)) {
    const numbers = value as unknown as ArrayLike<number>;
    const shown = Array.from({ length: Math.min(3, numbers.length) }, (_, i) =>
      Number(numbers[i]!.toPrecision(3)),
    );
    return `[${shown.join(', ')}${numbers.length > 3 ? `, … ${numbers.length} numbers` : ''}]`;
  }
  return JSON.stringify(value, (_, item: unknown) => {
    if (typeof item === 'bigint') return Number(item);
    return typeof item === 'number' && !Number.isInteger(item) ? Number(item.toPrecision(4)) : item;
  });
}
