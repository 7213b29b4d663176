import { audioClassification } from './audio-classification.ts';
import { automaticSpeechRecognition } from './automatic-speech-recognition.ts';
import { featureExtraction } from './feature-extraction.ts';
import { imageClassification } from './image-classification.ts';
import { imageSegmentation } from './image-segmentation.ts';
import { objectDetection } from './object-detection.ts';
import type { Task } from './task.ts';
import { textClassification } from './text-classification.ts';

/** Every task, in the order in which they are listed to users. */
export const tasks: readonly Task[] = [
  textClassification,
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
