/** Why an item has no result. A class, so that it cannot be taken for a result of any type. */
export class ItemFailure {
  /** `call`: the endpoint refused or kept failing; `decode`: it answered, and the answer is of no use. */
  readonly stage: 'call' | 'decode';
  readonly kind: string;
  readonly message: string;
  readonly status: number | undefined;
  readonly excerpt: string | undefined;
  readonly requestId: string | undefined;

  constructor(
    stage: 'call' | 'decode',
    failure: {
      kind: string;
      message: string;
      status?: number | undefined;
      excerpt?: string | undefined;
      requestId?: string | undefined;
    },
  ) {
    this.stage = stage;
    this.kind = failure.kind;
    this.message = failure.message;
    this.status = failure.status;
    this.excerpt = failure.excerpt;
    this.requestId = failure.requestId;
  }
}
