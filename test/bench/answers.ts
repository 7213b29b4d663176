/** What the stub answers to a text-classification of one row. */
export const sentiment = [
  [
    { label: 'POSITIVE', score: 0.9998708963394165 },
    { label: 'NEGATIVE', score: 0.00012909385259263217 },
  ],
];

/** What the stub answers to the embedding of so many rows. */
export function embeddings(rows: number, length = 384): number[][] {
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length }, (_, i) => Math.fround(Math.sin(row * 7.1 + i * 1.3) * 0.05)),
  );
}
