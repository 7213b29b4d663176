import { findTask, tasks } from '../tasks/index.ts';
import type { Task } from '../tasks/task.ts';
import type { Dialect } from './dialect.ts';
import { hf } from './hf.ts';
import { openaiRoutes } from './openai.ts';
import { teiRoutes } from './tei.ts';

export interface Route {
  dialect: Dialect;
  /** Of the path; a dedicated endpoint has none. */
  model: string;
  /** Told by path or query. */
  task: Task | undefined;
  /** What the model's name suggests; the payload may know better. */
  guess: Task | undefined;
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
  [/mnli|zero-?shot/i, 'zero-shot-classification'],
  [/\bner\b|conll|pos-tag/i, 'token-classification'],
  [/tapas|tapex|wtq/i, 'table-question-answering'],
  [/squad/i, 'question-answering'],
  [/opus-mt|nllb|m2m100|mbart/i, 'translation'],
  [/\bt5\b/i, 'text2text-generation'],
  [/bart|pegasus/i, 'summarization'],
  [/dialogpt|blenderbot/i, 'conversational'],
  [/gpt|llama|mistral|falcon|bloom/i, 'text-generation'],
  [/bert-(?:base|large)|distilroberta-base|distilbert-base-(?:un)?cased$/i, 'fill-mask'],
];

/**
 * Reads `/models/{model}`, the same under `/hf-inference` and with `/pipeline/{task}` after it, the older
 * `/pipeline/{task}/{model}`, and the routes of the other dialects; any other path is a dedicated endpoint's. Undefined
 * for a model that is missing, a task that nobody knows, and a path that is none.
 */
export function routeOf(path: string): Route | undefined {
  const url = new URL(path, 'http://emulator');
  const segments = segmentsOf(url.pathname);
  if (segments === undefined) return undefined;
  const asked = url.searchParams.get('task') ?? '';
  if (segments[0] === 'hf-inference') segments.shift();
  else if (segments[0] !== 'models' && segments[0] !== 'pipeline') {
    const dialect = teiRoutes[url.pathname] ?? openaiRoutes[url.pathname] ?? hf;
    return { dialect, model: '', task: findTask(asked), guess: taskOfModel(segments.join('/')) };
  }
  const first = segments.shift();
  const inPath = first === 'pipeline' ? segments.shift() : first === 'models' ? pipelineSuffix(segments) : '';
  if (inPath === '' || (inPath !== undefined && findTask(inPath) === undefined)) return undefined;
  const model = segments.join('/');
  if (model === '') return undefined;
  return {
    dialect: hf,
    model,
    task: findTask(inPath ?? asked),
    guess: taskOfModel(model),
  };
}

function segmentsOf(pathname: string): string[] | undefined {
  try {
    return decodeURIComponent(pathname).split('/').filter(Boolean);
  } catch {
    // A stray % in the path; it names no model.
    return undefined;
  }
}

/** Takes `pipeline`, `{task}` off the end. */
function pipelineSuffix(segments: string[]): string | undefined {
  return segments.at(-2) === 'pipeline' ? segments.splice(-2)[1] : undefined;
}

/** Longest first: table-question-answering ends like question-answering. */
const named = tasks
  .flatMap((task) => [task.name, ...task.aliases].map((name) => [name, task] as const))
  .sort(([a], [b]) => b.length - a.length);

function taskOfModel(model: string): Task | undefined {
  // Whole words only: "owner" is no "ner".
  const words = `-${model.toLowerCase().replace(/[^a-z0-9]+/g, '-')}-`;
  return (
    named.find(([name]) => words.includes(`-${name}-`))?.[1] ??
    findTask(HINTS.find(([pattern]) => pattern.test(model))?.[1] ?? '') ??
    tasks.find((task) => task.exampleModel === model)
  );
}
