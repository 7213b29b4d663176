import { hash32, noise } from './hash.ts';

const WORDS = (
  'the a of and in that with for on from by it was were is had has as at but not one all there they she he we water ' +
  'light morning river road house window table paper stone winter summer music story question answer letter garden ' +
  'wind field bread slowly often never always again together quietly found made left kept saw heard asked told began'
).split(' ');

/**
 * So many words without sense, the same ones for the same seed text and number: what the emulator's models write.
 * @param nth chooses among several answers to one text
 */
export function babble(seed: string, words: number, nth = 0): string {
  const next = noise(hash32(seed, nth));
  return Array.from({ length: words }, () => WORDS[Math.floor(next() * WORDS.length)]).join(' ');
}
