/** How often one input was asked about, and how often that was answered. */
export interface InputCount {
  asked: number;
  answered: number;
}

export interface EmulatorStats {
  requests: number;
  /** Rows with a whole answer: what a provider would charge for. */
  rowsAnswered: number;
  /** Requests by the status that they got; `none` got no status. */
  statuses: Record<string, number>;
  /** Requests that met a fault, by its kind. */
  faults: Record<string, number>;
  connections: number;
  inFlight: number;
  maxInFlight: number;
  /** Requests that arrived while the model was loading, and those of them that asked to be held. */
  whileLoading: number;
  held: number;
  inputs: { distinct: number; askedAgain: number; answeredAgain: number };
}

/** Counts what happens. */
export class Statistics {
  readonly perInput = new Map<string, InputCount>();
  readonly #counts = {
    requests: 0,
    rowsAnswered: 0,
    connections: 0,
    inFlight: 0,
    maxInFlight: 0,
    whileLoading: 0,
    held: 0,
  };
  readonly #statuses = new Map<string, number>();
  readonly #faults = new Map<string, number>();

  connected(): void {
    this.#counts.connections += 1;
  }

  arrived(): void {
    const counts = this.#counts;
    counts.requests += 1;
    counts.inFlight += 1;
    counts.maxInFlight = Math.max(counts.maxInFlight, counts.inFlight);
  }

  /** `status` 0: the connection ended without one. */
  left(status: number): void {
    this.#counts.inFlight -= 1;
    increase(this.#statuses, status === 0 ? 'none' : String(status));
  }

  inFlight(): number {
    return this.#counts.inFlight;
  }

  cameWhileLoading(held: boolean): void {
    this.#counts.whileLoading += 1;
    if (held) this.#counts.held += 1;
  }

  met(fault: string): void {
    increase(this.#faults, fault);
  }

  asked(inputs: readonly string[]): void {
    for (const sha of inputs) this.#count(sha).asked += 1;
  }

  answered(inputs: readonly string[]): void {
    this.#counts.rowsAnswered += inputs.length;
    for (const sha of inputs) this.#count(sha).answered += 1;
  }

  snapshot(): EmulatorStats {
    const inputs = { distinct: this.perInput.size, askedAgain: 0, answeredAgain: 0 };
    for (const { asked, answered } of this.perInput.values()) {
      if (asked > 1) inputs.askedAgain += 1;
      if (answered > 1) inputs.answeredAgain += 1;
    }
    return {
      ...this.#counts,
      statuses: Object.fromEntries(this.#statuses),
      faults: Object.fromEntries(this.#faults),
      inputs,
    };
  }

  #count(sha: string): InputCount {
    let count = this.perInput.get(sha);
    if (count === undefined) {
      count = { asked: 0, answered: 0 };
      this.perInput.set(sha, count);
    }
    return count;
  }
}

function increase(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
