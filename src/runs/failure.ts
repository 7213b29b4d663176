import type { ItemFailure } from '../scheduler/item-failure.ts';

/** Where on its way a row failed. */
export type Stage = 'read' | 'map' | 'call' | 'decode';

/** Why a row failed: everything that a person, `retry` or a report needs to know of it. */
export interface RowFailure {
  stage: Stage;
  /** Low-cardinality name; reports group by it. */
  kind: string;
  message: string;
  /** HTTP status, where there was an answer. */
  status?: number;
  attempts: number;
  /** Beginning of the body or of the value that could not be used. */
  excerpt?: string;
  requestId?: string;
}

/** A failed row, as `_sluice/errors/` lists it. */
export interface DeadLetter extends RowFailure {
  /** Source file. */
  file: string;
  /** Row in that file, from 0. */
  row: number;
  /** Identity of what was asked. */
  hash: string;
}

/** The text of the `error` column. A server's message begins with its status. */
export function errorText(failure: RowFailure): string {
  return `${failure.stage} ${failure.kind}: ${failure.message}`;
}

/** A row that its source could not give: a torn line, a record of the wrong width. */
export function readFailure(message: string): RowFailure {
  return { stage: 'read', kind: 'bad_row', message, attempts: 0 };
}

/** A row whose columns do not make the task's inputs: a null text, bytes that are no image. */
export function mapFailure(message: string): RowFailure {
  return { stage: 'map', kind: 'bad_input', message, attempts: 0 };
}

/** A row that the backend did not answer, or not usably. */
export function callFailure(failure: ItemFailure, attempts: number): RowFailure {
  const { stage, kind, message, status, excerpt, requestId } = failure;
  return {
    stage,
    kind,
    message,
    attempts,
    ...(status === undefined ? {} : { status }),
    ...(excerpt === undefined ? {} : { excerpt }),
    ...(requestId === undefined ? {} : { requestId }),
  };
}
