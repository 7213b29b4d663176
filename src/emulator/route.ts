import { findTask, tasks } from '../tasks/index.ts';
import type { Task } from '../tasks/task.ts';

export interface Route {
  model: string;
  /** Undefined where neither path, query nor model tell; the payload will. */
  task: Task | undefined;
}

/** Words in the names of models that people try first. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/embed|sentence-transformers|minilm|\b(?:bge|e5|gte|mpnet)\b/i, 'feature-extraction'],
  [/whisper|wav2vec/i, 'automatic-speech-recognition'],
  [/hubert|audio/i, 'audio-classification'],
  [/panoptic|segment|segformer|mask2former/i, 'image-segmentation'],
  [/detr|yolo|object/i, 'object-detection'],
  [/\bvit\b|resnet|convnext/i, 'image-classification'],
  [/sst-?2|sentiment|emotion|toxic|roberta-large-mnli/i, 'text-classification'],
];

/**
 * Reads `/models/{model}`, the same under `/hf-inference` and with `/pipeline/{task}` after it, and the older
 * `/pipeline/{task}/{model}`. Undefined for any other path, and for a task that nobody knows.
 */
export function routeOf(path: string): Route | undefined {
  const url = new URL(path, 'http://emulator');
  const segments = segmentsOf(url.pathname);
  if (segments[0] === 'hf-inference') segments.shift();
  const first = segments.shift();
  const inPath = first === 'pipeline' ? segments.shift() : first === 'models' ? pipelineSuffix(segments) : '';
  if (inPath === '' || (inPath !== undefined && findTask(inPath) === undefined)) return undefined;
  const model = segments.join('/');
  if (model === '') return undefined;
  return { model, task: findTask(inPath ?? url.searchParams.get('task') ?? '') ?? taskOfModel(model) };
}

function segmentsOf(pathname: string): string[] {
  try {
    return decodeURIComponent(pathname).split('/').filter(Boolean);
  } catch {
    // A stray % in the path; it names no model.
    return [];
  }
}

/** Takes `pipeline`, `{task}` off the end. */
function pipelineSuffix(segments: string[]): string | undefined {
  return segments.at(-2) === 'pipeline' ? segments.splice(-2)[1] : undefined;
}

function taskOfModel(model: string): Task | undefined {
  return (
    tasks.find((task) => [task.name, ...task.aliases].some((name) => model.includes(name))) ??
    tasks.find((task) => task.exampleModel === model) ??
    findTask(HINTS.find(([pattern]) => pattern.test(model))?.[1] ?? '')
  );
}
