/** A file or URL that a row names and that is not read: the fault of the row or of the other side, not of this one. */
export class NotReachable extends Error {
  override readonly name = 'NotReachable';
}
