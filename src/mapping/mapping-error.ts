/** A row whose columns do not make the task's inputs; the row fails with these words, and the next one goes on. */
export class MappingError extends Error {
  override readonly name = 'MappingError';
}
