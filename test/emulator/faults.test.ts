import { describe, expect, test } from 'vitest';
import { faultFor, parseFault, parseShare, spreadFaults } from '../../src/emulator/faults.ts';

test.each([
  ['12%', 0.12],
  ['0.5%', 0.005],
  ['0.12', 0.12],
  ['100%', 1],
  ['0', 0],
])('%s is a share of %d', (text, share) => {
  expect(parseShare(text)).toBeCloseTo(share);
});

test.each(['', 'x', '-1%', '101%', '1.5', '1e-3', '12 %%'])('%j is no share', (text) => {
  expect(() => parseShare(text)).toThrow(expect.objectContaining({ code: 'EMULATE_FAULT', exit: 2 }));
});

test('a fault is a kind and a share', () => {
  expect(parseFault('500=3%')).toEqual({ 500: 0.03 });
  for (const wrong of ['501=3%', '500', 'toString=1%'])
    expect(() => parseFault(wrong)).toThrow(/unknown fault|share/);
});

describe('faultFor', () => {
  const kinds = (shares: object, attempt = 1) =>
    Array.from({ length: 20_000 }, (_, i) => faultFor(shares, 7, `input ${i}`, attempt));

  test('meets each kind as often as asked', () => {
    const met = kinds({ '500': 0.1, reset: 0.02 });
    expect(met.filter((kind) => kind === '500').length / met.length).toBeCloseTo(0.1, 1);
    expect(met.filter((kind) => kind === 'reset').length / met.length).toBeCloseTo(0.02, 2);
  });

  test('spreads a share over all that heal, and over nothing else', () => {
    const met = kinds(spreadFaults(0.5));
    expect(met.filter((kind) => kind !== undefined).length / met.length).toBeCloseTo(0.5, 1);
    expect(new Set(met).size).toBe(11);
    expect(met).not.toContain('hang');
    expect(met).not.toContain('400');
  });

  test('gives a retry a chance of its own', () => {
    const shares = { '500': 0.5 };
    const first = kinds(shares, 1);
    const again = kinds(shares, 2);
    const failedTwice = first.filter((kind, i) => kind !== undefined && again[i] !== undefined).length;
    expect(failedTwice / first.length).toBeCloseTo(0.25, 1);
  });
});
