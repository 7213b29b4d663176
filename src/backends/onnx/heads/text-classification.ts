import type { JsonObject } from '../../../tasks/shapes.ts';
import { labelsOf } from '../architecture.ts';
import { type Head, rowOf } from '../head.ts';
import { type Activation, activated, predictionsOf } from './scores.ts';

/**
 * Scores of all labels, best first. A head with one output, or whose labels do not exclude each other, is a sigmoid;
 * a softmax over one label would always say 1.
 */
export function textClassification(name: string, config: JsonObject, maxLength: number): Head<Float32Array> {
  let labels: string[] | undefined;
  return {
    outputs: { logits: 'text' },
    texts: ({ inputs }) => [{ text: inputs.text as string }],
    truncation: () => ({ maxLength, strategy: 'LongestFirst' }),
    take: ({ logits }, position) => rowOf(logits!, position),
    answer: ({ parameters }, [logits]) => {
      labels ??= labelsOf(name, config, logits!.length);
      const usual: Activation =
        logits!.length === 1 || config.problem_type === 'multi_label_classification' ? 'sigmoid' : 'softmax';
      const activation = (parameters.function_to_apply as Activation | undefined) ?? usual;
      return predictionsOf(labels, activated(logits!, activation), parameters.top_k as number | undefined);
    },
  };
}
