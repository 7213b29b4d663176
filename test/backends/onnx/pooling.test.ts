import fc from 'fast-check';
import { expect, test } from 'vitest';
import { normalized, pooled } from '../../../src/backends/onnx/heads/pooling.ts';

const numbers = fc.float({ min: -1000, max: 1000, noNaN: true });

test('a mean is that of the own tokens, column by column, whatever the length of the vectors', () => {
  fc.assert(
    fc.property(
      fc.record({
        batch: fc.nat(2),
        length: fc.integer({ min: 1, max: 5 }),
        size: fc.integer({ min: 1, max: 11 }),
      }),
      fc.array(numbers, { minLength: 3 * 5 * 11, maxLength: 3 * 5 * 11 }),
      ({ batch, length, size }, values) => {
        const data = Float32Array.from(values.slice(0, (batch + 1) * length * size));
        for (let tokens = 1; tokens <= length; tokens++) {
          const own = Array.from({ length: tokens }, (_, i) => {
            const start = (batch * length + i) * size;
            return [...data.subarray(start, start + size)];
          });
          const output = { data, dims: [batch + 1, length, size] };
          const columns = own[0]!.map((_, i) => own.map((token) => token[i]!));
          const means = columns.map((column) => column.reduce((sum, x) => sum + x, 0) / tokens);
          expect(pooled(output, batch, tokens, 'mean')).toEqual(Float32Array.from(means));
          const most = columns.map((column) => Math.max(...column));
          expect(pooled(output, batch, tokens, 'max')).toEqual(Float32Array.from(most));
        }
      },
    ),
  );
});

test('a text without a token has a vector of zeros, and stays so when it is scaled', () => {
  const vector = pooled({ data: new Float32Array(6), dims: [1, 1, 6] }, 0, 0, 'mean');
  expect(normalized(vector)).toEqual(new Float32Array(6));
});
