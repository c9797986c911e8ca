// The bytes of files over SFTP: several requests under way, so that a long way costs one round trip for many pieces.
import { readPieceOf } from "./library.ts";
import { badAnswer, STATUS, statusOf } from "./sftp-session.ts";
import type { SftpSession } from "./sftp-session.ts";

/** Every server takes and gives this much at once. */
const PIECE_BYTES = 32_768;
/** Requests under way for one file. */
const MOST_AT_ONCE = 16;

export interface TransferIn {
  readonly path: string;
  readonly handle: Buffer;
  readonly offset: number;
  /** `Infinity`: to the end, wherever that is. */
  readonly length: number;
  readonly mostBytes: number;
}

export interface TransferOut {
  readonly path: string;
  readonly handle: Buffer;
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** One after the other, for servers that append. */
  readonly inOrder: boolean;
}

/** `undefined` if there are more than `mostBytes`. */
export async function transferIn(session: SftpSession, from: TransferIn): Promise<Uint8Array | undefined> {
  if (from.length > from.mostBytes) return readToEnd(session, from);
  const bytes = Buffer.alloc(from.length);
  let shortest = from.length;
  await inPieces(from.length, MOST_AT_ONCE, async (start, length) => {
    const came = await readPiece(session, from, bytes.subarray(start, start + length), from.offset + start);
    // It ended earlier than it said.
    if (came < length) shortest = Math.min(shortest, start + came);
  });
  return bytes.subarray(0, shortest);
}

export async function transferOut(session: SftpSession, to: TransferOut): Promise<void> {
  const bytes = Buffer.from(to.bytes.buffer, to.bytes.byteOffset, to.bytes.byteLength);
  await inPieces(bytes.length, to.inOrder ? 1 : MOST_AT_ONCE, (start, length) =>
    session.ask<void>(to.path, (sftp, settle) =>
      sftp.write(to.handle, bytes, start, length, to.offset + start, settle),
    ),
  );
}

async function readToEnd(session: SftpSession, from: TransferIn): Promise<Uint8Array | undefined> {
  const pieces: Buffer[] = [];
  let length = 0;
  for (;;) {
    const piece = Buffer.alloc(PIECE_BYTES);
    const came = await readPiece(session, from, piece, from.offset + length);
    length += came;
    if (length > from.mostBytes) return undefined;
    pieces.push(piece.subarray(0, came));
    if (came < PIECE_BYTES) return Buffer.concat(pieces);
  }
}

/** Fills the piece; gives less only at the end of the file. */
async function readPiece(
  session: SftpSession,
  { path, handle }: TransferIn,
  piece: Buffer,
  position: number,
): Promise<number> {
  let filled = 0;
  while (filled < piece.length) {
    const rest = piece.subarray(filled);
    const came = await session
      .ask<number>(path, (sftp, settle) => readPieceOf(sftp, handle, rest, position + filled, settle))
      .catch((error: unknown) => {
        if (statusOf(error) !== STATUS.eof) throw error;
      });
    if (came === undefined) break;
    // What is neither bytes nor the end.
    if (came === 0) throw badAnswer(path);
    filled += came;
  }
  return filled;
}

/** Several workers take one piece after the other, until one fails or all is done. */
async function inPieces(
  length: number,
  atOnce: number,
  transfer: (start: number, length: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < length) {
      const start = next;
      next += PIECE_BYTES;
      try {
        await transfer(start, Math.min(PIECE_BYTES, length - start));
      } catch (error) {
        next = length;
        throw error;
      }
    }
  };
  const workers = Math.min(atOnce, Math.ceil(length / PIECE_BYTES));
  await Promise.all(Array.from({ length: workers }, worker));
}
