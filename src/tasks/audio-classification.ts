import {
  classificationParameters,
  decodePredictions,
  emulatePredictions,
  predictionColumns,
} from './predictions.ts';
import type { Binary, Inputs, Parameters, Task } from './task.ts';

export const audioClassification: Task = {
  name: 'audio-classification',
  aliases: [],
  summary: 'Gives a recording one of the labels of the model, such as an emotion, a speaker or a command',
  inputs: {
    audio: { kind: 'audio', required: true, description: 'The recording to classify' },
  },
  parameters: classificationParameters,
  exampleModel: 'superb/hubert-large-superb-er',
  example: { inputs: { audio: 'audio' } },
  columns: predictionColumns,
  decode: decodePredictions,
  emulate: emulateEmotion,
};

/** The labels of the example model: neutral, happy, angry, sad. */
const EMULATED_LABELS = ['neu', 'hap', 'ang', 'sad'];

function emulateEmotion(inputs: Inputs, parameters: Parameters): unknown {
  return emulatePredictions((inputs.audio as Binary).bytes, EMULATED_LABELS, parameters);
}
