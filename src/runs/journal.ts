import { closeSync, openSync, readSync } from 'node:fs';
import { copyFile, type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { renameDurably, syncDir, syncFile } from '../storage/durable.ts';
import { isMissing } from '../storage/failures.ts';
import { otherVersion } from './state-file.ts';

/**
 * An append-only file of checked frames: what a killed run had already been answered.
 *
 *     file   = "SLUICEJ1" frame*
 *     frame  = length:u32le crc32:u32le payload
 *
 * The checksum is needed beside Arrow's own framing: an Arrow reader notices about one bit flip in ten, and some flips
 * make it loop or take all memory. A frame is believed only when its checksum fits.
 */
const magic = Buffer.from('SLUICEJ1');
const journalVersion = 1;
const frameHeader = 8;

export interface Frame {
  /** Where the payload begins in the file, and its length in bytes. */
  offset: number;
  length: number;
  payload: Uint8Array;
}

export interface JournalContent {
  /** The sound frames, in order. Their payloads are views of one buffer. */
  frames: Frame[];
  /** Length up to which the file is sound; what follows is a torn tail. */
  soundBytes: number;
  /** Bytes after the sound part, and frames before it whose checksum did not fit. */
  tornBytes: number;
  damagedFrames: number;
}

/**
 * Reads what can be believed of a journal.
 *
 * A frame that does not fit its checksum but ends exactly where a sound frame begins is skipped: one flipped bit must
 * not cost the answers behind it. Anything else that does not fit ends the journal there: it is the torn tail of an
 * append that was cut short. Where the magic is damaged, the frames behind it are believed all the same.
 */
export function parseJournal(bytes: Uint8Array): JournalContent {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const content: JournalContent = { frames: [], soundBytes: 0, tornBytes: bytes.length, damagedFrames: 0 };
  if (bytes.length < magic.length) return content;
  let at = magic.length;
  let damaged = 0;
  if (magic.equals(bytes.subarray(0, magic.length))) content.soundBytes = at;
  while (at + frameHeader <= bytes.length) {
    const length = view.getUint32(at, true);
    const end = at + frameHeader + length;
    // No frame is empty. After a power cut a file may end in zeros, and zero is the checksum of nothing.
    if (length === 0 || end > bytes.length) break;
    const payload = bytes.subarray(at + frameHeader, end);
    if (crc32(payload) === view.getUint32(at + 4, true)) {
      content.frames.push({ offset: at + frameHeader, length: payload.length, payload });
      content.damagedFrames += damaged;
      content.soundBytes = end;
      damaged = 0;
    } else {
      damaged++;
    }
    at = end;
  }
  content.tornBytes = bytes.length - content.soundBytes;
  return content;
}

/** A later version's journal looks like a torn one: to cut it off would throw away what was paid for. */
function refuseOtherVersion(path: string, bytes: Uint8Array): void {
  const [, version] =
    /^SLUICEJ([02-9])$/.exec(Buffer.from(bytes.subarray(0, magic.length)).toString('latin1')) ?? [];
  if (version !== undefined) throw otherVersion(path, version, journalVersion);
}

/** The bytes of one frame. */
export function frame(payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeader + payload.length);
  bytes.writeUInt32LE(payload.length, 0);
  bytes.writeUInt32LE(crc32(payload), 4);
  bytes.set(payload, frameHeader);
  return bytes;
}

/**
 * One frame's payload, read again from the file; at commit the answers are not held in memory. Synchronous: DuckDB
 * pulls rows from the JavaScript thread.
 * @throws {Error} when the frame is no longer what was written
 */
export function readFrame(path: string, offset: number, length: number): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.allocUnsafe(frameHeader + length);
    let read = 0;
    while (read < bytes.length) {
      const count = readSync(file, bytes, read, bytes.length - read, offset - frameHeader + read);
      if (count === 0) break;
      read += count;
    }
    const payload = bytes.subarray(frameHeader);
    if (read < bytes.length || crc32(payload) !== bytes.readUInt32LE(4)) {
      throw new Error(`journal ${path}: the frame at byte ${offset} is damaged`);
    }
    return payload;
  } finally {
    closeSync(file);
  }
}

/** Ending of a journal that is not whole yet. */
export const draftJournal = '.new';

/** Puts a copy in the place of a journal that another process may have open: what that one still writes is lost. */
export async function ownCopy(path: string): Promise<void> {
  const draft = `${path}${draftJournal}`;
  try {
    await copyFile(path, draft);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  await syncFile(draft);
  await renameDurably(draft, path);
}

/** The writing end of a journal file. */
export class JournalFile {
  readonly #handle: FileHandle;
  #size: number;

  private constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.#size = size;
  }

  /**
   * Opens a journal for appending, creating it if need be, and cuts off a torn tail first: a frame appended behind
   * torn bytes could never be found again.
   * @throws {SluiceError} STATE_VERSION for a journal of another version
   * @returns the file and what it held
   */
  static async open(path: string): Promise<{ file: JournalFile; content: JournalContent }> {
    const handle = await open(path, 'a+');
    try {
      const { size } = await handle.stat();
      const bytes = Buffer.allocUnsafe(size);
      let read = 0;
      while (read < size) {
        const { bytesRead } = await handle.read(bytes, read, size - read, read);
        if (bytesRead === 0) break;
        read += bytesRead;
      }
      refuseOtherVersion(path, bytes);
      const content = parseJournal(bytes.subarray(0, read));
      if (content.soundBytes < size) await handle.truncate(content.soundBytes);
      const file = new JournalFile(handle, content.soundBytes);
      if (content.soundBytes === 0) {
        await file.#write(magic);
        await handle.datasync();
        // Synced frames are of no use in a file whose name a power cut has taken.
        await syncDir(dirname(path));
      }
      return { file, content };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /**
   * Appends one frame and returns when it is on the disk. Calls must not overlap.
   * @returns where the payload lies, for `readFrame`
   */
  async append(payload: Uint8Array): Promise<{ offset: number; length: number }> {
    const offset = this.#size + frameHeader;
    await this.#write(frame(payload));
    await this.#handle.datasync();
    return { offset, length: payload.length };
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    // A short write (a disk that just became full) must not leave a hole that a later frame is appended behind:
    // the file is cut back to its last sound frame before the error goes up.
    try {
      let written = 0;
      while (written < bytes.length) {
        const { bytesWritten } = await this.#handle.write(bytes, written, bytes.length - written);
        written += bytesWritten;
      }
      this.#size += bytes.length;
    } catch (error) {
      await this.#handle.truncate(this.#size);
      throw error;
    }
  }
}
