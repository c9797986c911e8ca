// Tar, as the archive API speaks it: one file out of it, one level of names out of it, one file into it.
import { extract, pack, type Header } from "tar-stream";
import type { Readable } from "node:stream";
import { tooLarge } from "../process/run.ts";

/** What a visitor wants of an entry: its bytes, none of them, or no more entries at all. */
export type Visit = "read" | "skip" | "stop";

/** What is told of an entry that is made. */
export type NewEntry = Partial<Header> & { readonly name: string };

export interface VisitedEntry {
  readonly header: Header;
  readonly bytes: Buffer;
}

/**
 * Walk through a tar. The source is destroyed at the end.
 * @throws HoldfastError `too_large`; Error for what is no tar.
 */
export async function walkArchive(
  source: Readable,
  visit: (header: Header) => Visit,
  most: number,
): Promise<readonly VisitedEntry[]> {
  const entries = extract();
  // The extractor ends with the source, also where it is cut off.
  source.once("error", (error) => entries.destroy(error));
  source.once("close", () => source.readableEnded || entries.destroy(new Error("the archive was cut off")));
  source.pipe(entries);
  const read: VisitedEntry[] = [];
  try {
    for await (const entry of entries) {
      const wanted = visit(entry.header);
      if (wanted === "stop") break;
      if (wanted === "read" && (entry.header.size ?? 0) > most) throw tooLarge(most);
      const chunks: Buffer[] = [];
      for await (const chunk of entry as AsyncIterable<Buffer>) if (wanted === "read") chunks.push(chunk);
      if (wanted === "read") read.push({ header: entry.header, bytes: Buffer.concat(chunks) });
    }
    return read;
  } finally {
    source.destroy();
  }
}

/** A tar of one entry. */
export async function archiveOf(header: NewEntry, bytes: Uint8Array): Promise<Buffer> {
  const made = pack();
  made.entry(header, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  made.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of made as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
