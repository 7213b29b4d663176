import { hash32, wordsIn } from './hash.ts';
import { classificationParameters, decodePredictions, predictionColumns } from './predictions.ts';
import type { Inputs, Parameters, Task } from './task.ts';

export const textClassification: Task = {
  name: 'text-classification',
  aliases: ['sentiment-analysis'],
  summary: 'Gives a text one of the labels of the model, such as a sentiment',
  inputs: {
    text: { kind: 'text', required: true, description: 'The text to classify' },
  },
  parameters: classificationParameters,
  exampleModel: 'distilbert/distilbert-base-uncased-finetuned-sst-2-english',
  example: { inputs: { text: 'review' } },
  columns: predictionColumns,
  decode: decodePredictions,
  emulate: emulateSentiment,
};

const POSITIVE = lexicon(
  'adore amazing awesome beautiful best brilliant charming delight delicious enjoy excellent fantastic fine fun ' +
    'glad good great happy joy like love lovely nice perfect pleased recommend superb thanks wonderful',
);
const NEGATIVE = lexicon(
  'annoying awful bad boring broken cry disappointed disappointing dislike dull fail failed hate horrible mess ' +
    'never pain poor sad slow terrible ugly unhappy useless waste worse worst wrong',
);
const NEGATIONS = lexicon("not no isn’t isn't don’t don't didn’t didn't wasn’t wasn't cannot can’t can't");

function lexicon(words: string): ReadonlySet<string> {
  return new Set(words.split(' '));
}

/** Counts words of a small lexicon, turned around by a negation before them; a trace of hash keeps ties apart. */
function emulateSentiment(inputs: Inputs, parameters: Parameters): unknown {
  const text = String(inputs.text);
  const words = wordsIn(text);
  let mood = 0;
  words.forEach((word, i) => {
    const sign = POSITIVE.has(word) ? 1 : NEGATIVE.has(word) ? -1 : 0;
    mood += NEGATIONS.has(words[i - 1] ?? '') ? -sign : sign;
  });
  const trace = (hash32(text) / 2 ** 32 - 0.5) * 0.4;
  const positive = 1 / (1 + Math.exp(-(2.2 * mood + trace)));
  const predictions = [
    { label: 'POSITIVE', score: positive },
    { label: 'NEGATIVE', score: 1 - positive },
  ];
  predictions.sort((a, b) => b.score - a.score);
  return [predictions.slice(0, typeof parameters.top_k === 'number' ? parameters.top_k : undefined)];
}
