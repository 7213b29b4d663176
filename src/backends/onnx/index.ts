import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { Exit, SluiceError } from '../../errors.ts';
import { packageFolder } from '../../package-folder.ts';
import type { JsonObject } from '../../tasks/shapes.ts';
import type { Job, OnnxSpec } from '../../spec/job.ts';
import type { Task } from '../../tasks/task.ts';
import type { Backend } from '../backend.ts';
import { checkArchitecture } from './architecture.ts';
import { findModel } from './find-model.ts';
import { requireInstalled } from './heavy.ts';
import { decidingFiles, modelConfig, weightBytes, weightsOf } from './model.ts';
import { OnnxBackend } from './onnx-backend.ts';
import { windowsOf } from './packing.ts';
import { unheededByModel } from './parameters.ts';
import { sharesRuns } from './runners.ts';
import { sizing } from './workers.ts';

/** Built: a worker is a process of its own, which runs JavaScript. */
const workerScript = join(packageFolder, 'dist/backends/onnx/worker.js');

/**
 * The backend of a job whose `backend.type` is `onnx`. Looks at the model's files; starts nothing before it is asked.
 * @throws {SluiceError} ONNX_NOT_INSTALLED, MODEL_…
 */
export function openOnnxBackend(
  job: Pick<Job, 'model' | 'parameters' | 'limits'>,
  spec: OnnxSpec,
  task: Task,
  onNotice: (message: string) => void,
): Backend {
  requireInstalled('onnxruntime-node');
  const name = job.model!;
  const folder = findModel(name, spec.modelDir, process.env, spec.dtype);
  const config = modelConfig(folder);
  checkArchitecture(name, config, task.name);
  checkParameters(name, config, job);
  const graphs = config.is_encoder_decoder === true ? ['encoder_model', 'decoder_model_merged'] : ['model'];
  const model = weightsOf(folder, graphs, spec.dtype);
  const machine = { cores: availableParallelism(), memoryBytes: totalmem() };
  const bytes = weightBytes(model);
  const { workers, threads } = sizing(spec, bytes, machine);
  return new OnnxBackend({
    script: workerScript,
    setup: { name, model, task: task.name, threads, device: spec.device },
    workers,
    // Rows that share nothing are journaled one by one: each may take seconds.
    windowAt: sharesRuns(task.name) ? windowsOf(job.limits.batchSize, bytes) : () => 1,
    files: decidingFiles(model),
    onNotice,
  });
}

/**
 * Refuses what every row would be refused for. Values from columns and templates are known row by row.
 * @throws {SluiceError} MODEL_PARAMETER, exit 2
 */
function checkParameters(name: string, config: JsonObject, { parameters }: Pick<Job, 'parameters'>): void {
  const literals = Object.entries(parameters).flatMap(([key, binding]) =>
    binding.kind === 'literal' ? [[key, binding.value] as const] : [],
  );
  const why = unheededByModel(config, Object.fromEntries(literals));
  if (why === undefined) return;
  throw new SluiceError('MODEL_PARAMETER', `model ${name}: parameters.${why}`, {
    next: 'leave it out, or choose a model that heeds it',
    exit: Exit.usage,
  });
}
