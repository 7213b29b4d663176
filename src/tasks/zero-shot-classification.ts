import * as z from 'zod';
import { hash32, wordsIn } from './hash.ts';
import { decodePredictions, predictionColumns } from './predictions.ts';
import { DecodeError } from './task.ts';
import type { Inputs, Parameters, ResultRow, Task } from './task.ts';

/** As many as the API answers well for; more of them mislead it. */
const MOST_LABELS = 10;

export const zeroShotClassification: Task = {
  name: 'zero-shot-classification',
  aliases: [],
  summary: 'Gives a text one of the labels that you name, without training',
  inputs: {
    text: { kind: 'text', required: true, description: 'The text to classify' },
  },
  parameters: z.strictObject({
    candidate_labels: z
      .union([z.string().min(1), z.array(z.string().min(1))], {
        error: 'wanted labels: a list of texts, or one text such as "refund, legal, faq"',
      })
      .transform(labelsOf)
      .refine(({ length }) => length >= 1 && length <= MOST_LABELS, {
        error: `wanted 1 to ${MOST_LABELS} labels`,
      })
      .describe(
        `The labels to choose from, at most ${MOST_LABELS}: a list, or a text with commas between them`,
      ),
    multi_label: z
      .boolean()
      .describe('Several labels may be right: each is scored by itself')
      .meta({ default: false })
      .optional(),
    hypothesis_template: z
      .string()
      .regex(/\{\}/, { error: 'wanted a sentence with {} in it, where the label goes' })
      .describe('The sentence that is held against the text, with {} where the label goes')
      .meta({ default: 'This example is {}.' })
      .optional(),
  }),
  exampleModel: 'facebook/bart-large-mnli',
  example: { inputs: { text: 'message' }, parameters: { candidate_labels: ['refund', 'legal', 'faq'] } },
  columns: predictionColumns,
  decode: decodeLabels,
  emulate: emulateLabels,
};

/** A text is labels with commas between them, or their JSON, which a template makes with `tojson`. */
function labelsOf(labels: string | string[], context: z.RefinementCtx): string[] {
  if (typeof labels !== 'string') return labels;
  if (!labels.trimStart().startsWith('[')) {
    return labels
      .split(',')
      .map((label) => label.trim())
      .filter((label) => label !== '');
  }
  const { data } = z.array(z.string().min(1)).safeParse(parsed(labels));
  if (data !== undefined) return data;
  context.addIssue({ code: 'custom', message: 'wanted a list of texts' });
  return z.NEVER;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // Not a list either; the caller says what was wanted.
    return undefined;
  }
}

/**
 * Shapes of `decodePredictions`. One label where several were asked about is no answer: a server that took a batch for
 * one text would give each row a label of the first one.
 */
function decodeLabels(answer: unknown, { candidate_labels: labels }: Parameters): ResultRow {
  const row = decodePredictions(answer);
  if (Array.isArray(labels) && labels.length > 1 && (row.predictions as unknown[]).length === 1)
    throw new DecodeError(`scores of ${labels.length} labels`, answer);
  return row;
}

/** Labels score by the words that they share with the text, and by a hash; one distribution, or each by itself. */
function emulateLabels(inputs: Inputs, parameters: Parameters): unknown {
  const sequence = String(inputs.text);
  const words = new Set(wordsIn(sequence));
  const { candidate_labels: labels = [] } = zeroShotClassification.parameters.partial().parse({
    candidate_labels: parameters.candidate_labels,
  }) as { candidate_labels?: string[] };
  const logits = labels.map((label) => {
    const shared = wordsIn(label).filter((word) => words.has(word)).length;
    return 3 * shared + (hash32(`${label}\0${sequence}`) / 2 ** 32) * 2 - 1;
  });
  const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0);
  const scored = labels.map((label, i) => ({
    label,
    score: parameters.multi_label === true ? 1 / (1 + Math.exp(-logits[i]!)) : Math.exp(logits[i]!) / sum,
  }));
  scored.sort((a, b) => b.score - a.score);
  return { sequence, labels: scored.map(({ label }) => label), scores: scored.map(({ score }) => score) };
}
