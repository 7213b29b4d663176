import { Unanswerable } from '../../../tasks/task.ts';
import type { Sound } from './sound.ts';

/** Zero crossings of the kernel on each side of its middle: the steepness of the cut. */
const crossings = 32;
/** Where it cuts, as a share of half the lower rate: the slope ends before what would fold back. */
const rolloff = 0.95;
/** Shape of the Kaiser window: what is cut is 80 dB down (Kaiser's beta for 80 dB; Oppenheim and Schafer, 7.6). */
const beta = 7.857;
/** Rates that recordings have, with room on both sides; others come from damaged headers, and cost without bound. */
const rates = { lowest: 1000, highest: 768_000 };

/**
 * The sound at another rate: a low-pass of a Kaiser-windowed sinc, evaluated only at the places that are wanted. What
 * the lower rate cannot hold is removed before it can fold back. Before and after the sound is silence.
 * @returns ⌈samples × wanted / rate⌉ samples
 * @throws {Unanswerable} for a rate that no recording has
 */
export function resampled({ samples, rate }: Sound, wanted: number): Float32Array {
  if (!Number.isInteger(rate) || rate < rates.lowest || rate > rates.highest)
    throw new Unanswerable(`the sound has ${rate} samples a second, which is not read`);
  if (rate === wanted) return samples;
  const divisor = greatestCommonDivisor(rate, wanted);
  const [up, down] = [wanted / divisor, rate / divisor];
  const cutoff = rolloff * Math.min(1, up / down);
  const reach = Math.ceil(crossings / cutoff);
  // The place of an output between two inputs repeats after `up` outputs, so its kernel does, too.
  const kernels = new Map<number, Float32Array>();
  const out = new Float32Array(Math.ceil((samples.length * up) / down));
  for (let i = 0; i < out.length; i++) {
    const place = i * down;
    const phase = place % up;
    let kernel = kernels.get(phase);
    if (kernel === undefined) {
      kernel = kernelOf(phase / up, cutoff, reach);
      kernels.set(phase, kernel);
    }
    const first = (place - phase) / up - reach + 1;
    const from = Math.max(0, -first);
    const to = Math.min(kernel.length, samples.length - first);
    let sum = 0;
    for (let k = from; k < to; k++) sum += samples[first + k]! * kernel[k]!;
    out[i] = sum;
  }
  return out;
}

/** Weights of the `2 × reach` inputs around an output that lies `offset` (0 to 1) behind the one in the middle. */
function kernelOf(offset: number, cutoff: number, reach: number): Float32Array {
  const weights = Float64Array.from({ length: 2 * reach }, (_, k) => {
    const x = (k - reach + 1 - offset) * cutoff;
    const edge = x / crossings;
    if (Math.abs(edge) >= 1) return 0;
    const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
    return sinc * bessel(beta * Math.sqrt(1 - edge * edge));
  });
  // The sum is the gain of a constant; left to itself it differs a little from phase to phase, which is heard as a hiss.
  const gain = weights.reduce((sum, weight) => sum + weight, 0);
  return Float32Array.from(weights, (weight) => weight / gain);
}

/** The modified Bessel function of the first kind and order 0, by its power series. */
function bessel(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
