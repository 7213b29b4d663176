/** What a machine has. */
export interface Machine {
  cores: number;
  memoryBytes: number;
}

export interface Sizing {
  workers: number;
  /** Of ONNX Runtime, in each worker. */
  threads: number;
}

/** A worker without its model: Node, ONNX Runtime and the tokenizer. Measured: 140 to 200 MB. */
const workerBytes = 200e6;
/** Weights are unpacked and packed again for the processor's kernels; both copies live for a while. */
const bytesPerWeightByte = 2;
/** Share of the machine's memory that workers may fill; the rest is for the run, other programs and the disk cache. */
const memoryShare = 0.6;

/**
 * A worker for each core, with one thread: measured 5 to 20 % faster than one worker with threads, and much faster when
 * the machine has other work. Fewer where the memory does not hold so many models; their threads then fill the cores.
 */
export function sizing(
  asked: { workers?: number; threads?: number },
  modelBytes: number,
  machine: Machine,
): Sizing {
  const fit = Math.floor(
    (machine.memoryBytes * memoryShare) / (workerBytes + bytesPerWeightByte * modelBytes),
  );
  const cores = Math.max(1, Math.floor(machine.cores / (asked.threads ?? 1)));
  const workers = asked.workers ?? Math.max(1, Math.min(cores, fit));
  return { workers, threads: asked.threads ?? Math.max(1, Math.floor(machine.cores / workers)) };
}
