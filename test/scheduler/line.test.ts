import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Line } from '../../src/scheduler/line.ts';

test('gives what was pushed in order, however pushes and shifts alternate', () => {
  const steps = fc.array(fc.record({ pushes: fc.nat(200), shifts: fc.nat(200) }), { maxLength: 20 });
  fc.assert(
    fc.property(steps, (all) => {
      const line = new Line<number>();
      const model: number[] = [];
      let next = 0;
      for (const { pushes, shifts } of all) {
        for (let i = 0; i < pushes; i++) {
          line.push(next);
          model.push(next++);
        }
        for (let i = 0; i < shifts; i++) expect(line.shift()).toBe(model.shift());
        expect(line.length).toBe(model.length);
      }
    }),
  );
});
