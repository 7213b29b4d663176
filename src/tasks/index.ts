import { audioClassification } from './audio-classification.ts';
import { automaticSpeechRecognition } from './automatic-speech-recognition.ts';
import { conversational } from './conversational.ts';
import { featureExtraction } from './feature-extraction.ts';
import { fillMask } from './fill-mask.ts';
import { imageClassification } from './image-classification.ts';
import { imageSegmentation } from './image-segmentation.ts';
import { objectDetection } from './object-detection.ts';
import { questionAnswering } from './question-answering.ts';
import { sentenceSimilarity } from './sentence-similarity.ts';
import { summarization } from './summarization.ts';
import { tableQuestionAnswering } from './table-question-answering.ts';
import type { Task } from './task.ts';
import { textClassification } from './text-classification.ts';
import { textGeneration } from './text-generation.ts';
import { text2textGeneration } from './text2text-generation.ts';
import { tokenClassification } from './token-classification.ts';
import { translation } from './translation.ts';
import { zeroShotClassification } from './zero-shot-classification.ts';

/** Every task, in the order in which they are listed to users. */
export const tasks: readonly Task[] = [
  textClassification,
  zeroShotClassification,
  tokenClassification,
  questionAnswering,
  tableQuestionAnswering,
  fillMask,
  summarization,
  translation,
  textGeneration,
  text2textGeneration,
  conversational,
  sentenceSimilarity,
  featureExtraction,
  automaticSpeechRecognition,
  audioClassification,
  objectDetection,
  imageClassification,
  imageSegmentation,
];

const byName = new Map(
  tasks.flatMap((task) => [task.name, ...task.aliases].map((name) => [name, task] as const)),
);

/** The task of this name or alias. */
export function findTask(name: string): Task | undefined {
  return byName.get(name);
}
