import { SluiceError } from '../../errors.ts';
import type { JsonObject } from '../../tasks/shapes.ts';

/** Tasks that write one text for another. */
const textToText = ['summarization', 'translation', 'text2text-generation'];

/** What the end of an architecture's name says of the tasks that it can do. */
const tasksByEnding: readonly (readonly [ending: string, tasks: readonly string[]])[] = [
  ['ForSequenceClassification', ['text-classification', 'zero-shot-classification', 'audio-classification']],
  ['ForTokenClassification', ['token-classification']],
  ['ForQuestionAnswering', ['question-answering']],
  ['ForMaskedLM', ['fill-mask']],
  ['ForAudioClassification', ['audio-classification']],
  ['ForImageClassification', ['image-classification']],
  ['ForObjectDetection', ['object-detection']],
  ['ForSegmentation', ['image-segmentation', 'object-detection']],
  ['Segmentation', ['image-segmentation']],
  ['ForCTC', ['automatic-speech-recognition']],
  ['ForCausalLM', ['text-generation', 'conversational']],
  ['LMHeadModel', ['text-generation', 'conversational']],
  ['ForConditionalGeneration', [...textToText, 'automatic-speech-recognition']],
  ['MTModel', textToText],
];

/** Tasks whose models are told by what their graph gives and not by a name. */
const anyEncoder: readonly string[] = ['feature-extraction', 'sentence-similarity'];

/** The name of a model's first architecture, where it says one. */
export function architectureOf({ architectures }: JsonObject): string | undefined {
  const [first] = Array.isArray(architectures) ? (architectures as unknown[]) : [];
  return typeof first === 'string' ? first : undefined;
}

/** The tasks that a model can do on this machine, as far as its name tells. */
export function tasksOf(config: JsonObject): readonly string[] {
  const architecture = architectureOf(config);
  const known = tasksByEnding.find(([ending]) => architecture?.endsWith(ending));
  return known?.[1] ?? anyEncoder;
}

/**
 * Refuses a model that is known to be for another task.
 * @throws {SluiceError} MODEL_TASK, exit 3
 */
export function checkArchitecture(name: string, config: JsonObject, task: string): void {
  const architecture = architectureOf(config);
  if (architecture === undefined || anyEncoder.includes(task)) return;
  const known = tasksByEnding.find(([ending]) => architecture.endsWith(ending));
  // A name that says nothing is no reason to refuse: loading shows whether the model can be used.
  if (known === undefined || known[1].includes(task)) return;
  throw new SluiceError(
    'MODEL_TASK',
    `model ${name}: is a ${architecture}, which is for ${known[1].join(' or ')}; the job's task is ${task}`,
    { next: 'choose a model for the task, or the task of the model' },
  );
}

/**
 * The labels of a model's outputs, by index.
 * @throws {SluiceError} MODEL_DAMAGED for a list with holes
 */
export function labelsOf(name: string, config: JsonObject, count: number): string[] {
  const byIndex = config.id2label as Record<string, unknown> | undefined;
  return Array.from({ length: count }, (_, i) => {
    // As transformers does for a model that was saved without names.
    const label = byIndex === undefined ? `LABEL_${i}` : byIndex[String(i)];
    if (typeof label === 'string') return label;
    throw new SluiceError(
      'MODEL_DAMAGED',
      `model ${name}: config.json has no label for output ${i} of ${count}`,
      {
        next: 'mend id2label in config.json',
      },
    );
  });
}
