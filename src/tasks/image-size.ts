export interface ImageSize {
  width: number;
  height: number;
}

/** Width and height out of the header of a PNG, JPEG, GIF, BMP or WebP; undefined for other bytes and torn headers. */
export function imageSize(bytes: Uint8Array): ImageSize | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength >= 24 && view.getUint32(0) === 0x89504e47)
    return sized(view.getUint32(16), view.getUint32(20));
  if (view.byteLength >= 4 && view.getUint16(0) === 0xffd8) return jpegSize(view);
  const tag = Buffer.from(bytes.subarray(0, 16)).toString('latin1');
  if (view.byteLength >= 10 && tag.startsWith('GIF8'))
    return sized(view.getUint16(6, true), view.getUint16(8, true));
  // A negative height means that the rows stand from the top down.
  if (view.byteLength >= 26 && tag.startsWith('BM'))
    return sized(view.getInt32(18, true), Math.abs(view.getInt32(22, true)));
  if (view.byteLength >= 30 && tag.startsWith('RIFF') && tag.startsWith('WEBP', 8)) {
    return webpSize(view, tag.slice(12));
  }
  return undefined;
}

/** By the first chunk: lossy, lossless or extended (RFC 9649, 2.5 to 2.7). */
function webpSize(view: DataView, chunk: string): ImageSize | undefined {
  if (chunk === 'VP8 ') return sized(view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff);
  if (chunk === 'VP8L') {
    const bits = view.getUint32(21, true);
    return sized((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1);
  }
  if (chunk !== 'VP8X') return undefined;
  // Three bytes each, less one; the fourth byte read with them is shifted out.
  return sized((view.getUint32(24, true) & 0xffffff) + 1, (view.getUint32(26, true) >>> 8) + 1);
}

/** Walks the segments to the frame header, SOF0 to SOF15 without DHT, JPG and DAC (ITU T.81, table B.1). */
function jpegSize(view: DataView): ImageSize | undefined {
  let at = 2;
  while (at + 9 <= view.byteLength && view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return sized(view.getUint16(at + 7), view.getUint16(at + 5));
    }
    // A marker may be preceded by any number of fill bytes.
    at += marker === 0xff ? 1 : 2 + view.getUint16(at + 2);
  }
  return undefined;
}

function sized(width: number, height: number): ImageSize | undefined {
  return width > 0 && height > 0 ? { width, height } : undefined;
}
