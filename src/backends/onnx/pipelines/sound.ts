/** Samples of one channel, -1 to 1. */
export interface Sound {
  samples: Float32Array;
  /** Samples a second. */
  rate: number;
}
