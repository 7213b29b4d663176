import { messageOf } from '../../../errors.ts';
import { Unanswerable } from '../../../tasks/task.ts';
import type { Sound } from './sound.ts';

/** What the decoders of wasm-audio-decoders have in common. */
interface Decoder {
  ready: Promise<void>;
  free(): void | Promise<void>;
}

interface Decoded {
  /** One array a channel. */
  channelData: readonly Float32Array[];
  sampleRate: number;
  errors: readonly { message: string }[];
}

/**
 * Decodes with a decoder of this row's own, so that a broken file leaves nothing behind for the next, and mixes the
 * channels to one.
 * @param format its name, for errors
 * @throws {Unanswerable} for a file that the decoder complains of, or finds nothing in
 */
export async function decoded<T extends Decoder>(
  format: string,
  decoder: T,
  decode: (decoder: T) => Decoded | Promise<Decoded>,
): Promise<Sound> {
  await decoder.ready;
  let found: Decoded;
  try {
    found = await decode(decoder);
  } catch (error) {
    throw new Unanswerable(`the ${format} file cannot be decoded: ${messageOf(error)}`);
  } finally {
    await decoder.free();
  }
  const { channelData, sampleRate, errors } = found;
  const [error] = errors;
  if (error !== undefined) throw new Unanswerable(`the ${format} file is damaged: ${error.message}`);
  if (channelData.length === 0 || channelData[0]!.length === 0)
    throw new Unanswerable(`the ${format} file has no sound in it`);
  return { samples: mixed(channelData), rate: sampleRate };
}

function mixed(channels: readonly Float32Array[]): Float32Array {
  const samples = new Float32Array(channels[0]!.length);
  for (const channel of channels) for (let i = 0; i < samples.length; i++) samples[i]! += channel[i]!;
  for (let i = 0; i < samples.length; i++) samples[i]! /= channels.length;
  return samples;
}
