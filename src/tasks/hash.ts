/** Deterministic noise for the emulated answers: small, seedable, the same on every machine. */

/** 32-bit FNV-1a over bytes, or over the UTF-16 units of a string. http://www.isthe.com/chongo/tech/comp/fnv/ */
export function hash32(data: string | Uint8Array, seed = 0): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < data.length; i++) {
    const unit = typeof data === 'string' ? data.charCodeAt(i) : data[i]!;
    hash = Math.imul(hash ^ unit, 0x01000193);
  }
  return mix(hash);
}

/** Numbers in [0, 1), the same ones for the same seed (mulberry32). */
export function noise(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    return mix(state) / 2 ** 32;
  };
}

/** The finalizer of MurmurHash3: spreads every input bit over all output bits. */
function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Lower-case words of a text, in any script. */
export function wordsIn(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+(?:['’][\p{L}]+)?/gu) ?? [];
}
