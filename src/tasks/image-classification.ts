import {
  classificationParameters,
  decodePredictions,
  emulatePredictions,
  predictionColumns,
} from './predictions.ts';
import type { Binary, Inputs, Parameters, Task } from './task.ts';

export const imageClassification: Task = {
  name: 'image-classification',
  aliases: [],
  summary: 'Gives an image one of the labels of the model, such as what it shows',
  inputs: {
    image: { kind: 'image', required: true, description: 'The image to classify' },
  },
  parameters: classificationParameters,
  exampleModel: 'google/vit-base-patch16-224',
  example: { inputs: { image: 'image' }, parameters: { top_k: 3 } },
  columns: predictionColumns,
  decode: decodePredictions,
  emulate: emulateSubject,
};

/** Some of the thousand labels of ImageNet, in its words. */
const EMULATED_LABELS = [
  'tabby, tabby cat',
  'Egyptian cat',
  'golden retriever',
  'goldfish, Carassius auratus',
  'sports car, sport car',
  'mountain bike, all-terrain bike, off-roader',
  'studio couch, day bed',
  'espresso',
  'alp',
  'lighthouse, beacon light, beacon, pharos',
];

function emulateSubject(inputs: Inputs, parameters: Parameters): unknown {
  return emulatePredictions((inputs.image as Binary).bytes, EMULATED_LABELS, parameters);
}
