import { SluiceError } from '../../../errors.ts';
import type { JsonObject } from '../../../tasks/shapes.ts';
import { type Head, rowOf } from '../head.ts';
import { predictionsOf, softmax } from './scores.ts';

const usualTemplate = 'This example is {}.';

/**
 * Holds a text against a sentence for each label, with a model that tells what follows from what. The pairs of many rows
 * share runs.
 * @throws {SluiceError} MODEL_TASK for a classifier that has no label for "follows from"
 */
export function zeroShotClassification(
  name: string,
  config: JsonObject,
  maxLength: number,
): Head<Float32Array> {
  const labels = Object.values((config.id2label ?? {}) as Record<string, unknown>).map(String);
  const entailment = labels.findIndex((label) => /^entail/i.test(label));
  if (entailment === -1) {
    throw new SluiceError(
      'MODEL_TASK',
      `model ${name}: has no label "entailment", only ${labels.join(', ')}`,
      {
        next: 'zero-shot-classification needs a model trained on natural language inference (NLI)',
      },
    );
  }
  // As transformers has it: the first label, or the last where that is the first.
  const contradiction = entailment === 0 ? labels.length - 1 : 0;
  return {
    outputs: { logits: 'text' },
    texts: ({ inputs, parameters }) => {
      const template = (parameters.hypothesis_template as string | undefined) ?? usualTemplate;
      return candidates(parameters).map((label) => ({
        text: inputs.text as string,
        // A function, because `$&` in a label has a meaning in a replacement text.
        pair: template.replace('{}', () => label),
      }));
    },
    // The label's sentence is never cut: the model would be asked another question.
    truncation: () => ({ maxLength, strategy: 'OnlyFirst' }),
    take: ({ logits }, position) => rowOf(logits!, position),
    answer: ({ parameters }, taken) => {
      const asked = candidates(parameters);
      const alone = parameters.multi_label === true || asked.length === 1;
      const scores = alone
        ? taken.map((logits) => softmax([logits[contradiction]!, logits[entailment]!])[1]!)
        : softmax(taken.map((logits) => logits[entailment]!));
      return predictionsOf(asked, scores);
    },
  };
}

function candidates(parameters: Readonly<Record<string, unknown>>): string[] {
  return parameters.candidate_labels as string[];
}
