import { availableParallelism, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Job, OnnxSpec } from '../../spec/job.ts';
import type { Task } from '../../tasks/task.ts';
import type { Backend } from '../backend.ts';
import { checkArchitecture } from './architecture.ts';
import { findModel } from './find-model.ts';
import { requireInstalled } from './heavy.ts';
import { decidingFiles, modelConfig, weightBytes, weightsOf } from './model.ts';
import { OnnxBackend } from './onnx-backend.ts';
import { sharesRuns } from './runners.ts';
import { sizing } from './workers.ts';

/** Compiled: a worker is a process of its own, which runs JavaScript. */
const workerScript = fileURLToPath(new URL('./worker.js', import.meta.url));

/**
 * The backend of a job whose `backend.type` is `onnx`. Looks at the model's files; starts nothing before it is asked.
 * @throws {SluiceError} ONNX_NOT_INSTALLED, MODEL_…
 */
export function openOnnxBackend(
  job: Pick<Job, 'model' | 'limits'>,
  spec: OnnxSpec,
  task: Task,
  onNotice: (message: string) => void,
): Backend {
  requireInstalled('onnxruntime-node');
  const name = job.model!;
  const folder = findModel(name, spec.modelDir, process.env);
  const config = modelConfig(folder);
  checkArchitecture(name, config, task.name);
  const graphs = config.is_encoder_decoder === true ? ['encoder_model', 'decoder_model_merged'] : ['model'];
  const model = weightsOf(folder, graphs, spec.dtype);
  const machine = { cores: availableParallelism(), memoryBytes: totalmem() };
  const { workers, threads } = sizing(spec, weightBytes(model), machine);
  return new OnnxBackend({
    script: workerScript,
    setup: { model, task: task.name, threads, device: spec.device },
    workers,
    // Rows that share nothing are journaled one by one: each may take seconds.
    window: sharesRuns(task.name) ? job.limits.batchSize : 1,
    files: decidingFiles(model),
    onNotice,
  });
}
