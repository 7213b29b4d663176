import * as z from 'zod';
import { column, utf8 } from './arrow-types.ts';
import { seq2seqParameters } from './generation.ts';
import type { Inputs, Task } from './task.ts';
import { decodeOneText } from './written-text.ts';

export const translation: Task = {
  name: 'translation',
  aliases: [],
  summary: 'Says a text in another language',
  inputs: {
    text: { kind: 'text', required: true, description: 'The text to translate' },
  },
  parameters: z.strictObject({
    src_lang: z
      .string()
      .min(1)
      .describe('Language of the text, as the model names it; needed by models of many languages')
      .optional(),
    tgt_lang: z
      .string()
      .min(1)
      .describe('Language to translate to, as the model names it; needed by models of many languages')
      .optional(),
    ...seq2seqParameters,
  }),
  exampleModel: 'Helsinki-NLP/opus-mt-en-de',
  example: { inputs: { text: 'body' } },
  columns: () => [column('translation_text', utf8())],
  // Encoder-decoder servers that know nothing of the task call it generated_text.
  decode: decodeOneText('translation_text', ['translation_text', 'generated_text']),
  emulate: emulateTranslation,
};

const EMULATED_WORDS = new Map(
  (
    'hello:hallo world:Welt the:die a:ein an:ein and:und or:oder not:nicht is:ist are:sind was:war I:ich you:du ' +
    'he:er she:sie it:es we:wir they:sie my:mein name:Name in:in on:auf to:zu of:von with:mit for:für from:aus live:wohne ' +
    'house:Haus cat:Katze dog:Hund water:Wasser day:Tag night:Nacht morning:Morgen good:gut bad:schlecht small:klein ' +
    'big:groß old:alt new:neu today:heute sun:Sonne rain:Regen sea:Meer ship:Schiff harbour:Hafen station:Bahnhof ' +
    'train:Zug book:Buch friend:Freund bread:Brot where:wo when:wann how:wie here:hier there:dort thanks:danke'
  )
    .split(' ')
    .map((pair) => pair.split(':') as [string, string]),
);

/** Word by word into a German of a kind; what the small dictionary does not have, names above all, stays as it is. */
function emulateTranslation(inputs: Inputs): unknown {
  const translated = String(inputs.text).replace(/[\p{L}]+/gu, (word) => {
    const found = EMULATED_WORDS.get(word) ?? EMULATED_WORDS.get(word.toLowerCase());
    if (found === undefined) return word;
    return /^\p{Lu}/u.test(word) && word !== 'I' ? found[0]!.toUpperCase() + found.slice(1) : found;
  });
  return [{ translation_text: translated }];
}
