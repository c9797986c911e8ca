// What the daemon's log says, for people and as it is, to its end or for as long as somebody looks.
import { open, stat, type FileHandle } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { LogLine } from "@holdfast/control";
import type { Output } from "../terminal/output.ts";
import { escapeText } from "../terminal/escape.ts";

const LOOK_MS = 200;
const PIECE_BYTES = 64 * 1024;
/** A line that is longer than this is no line of ours. */
const MOST_LINE = 256 * 1024;

export interface ShowLogOptions {
  readonly path: string;
  readonly output: Output;
  /** How many lines of what is there. */
  readonly lines: number;
  /** Go on with what comes, until this is aborted. Absent: only what is there. */
  readonly follow: AbortSignal | undefined;
}

/** Resolves with whether there is a log at all. */
export async function showLog({ path, output, lines, follow }: ShowLogOptions): Promise<boolean> {
  let file = await openIfThere(path);
  if (file === undefined && follow === undefined) return false;
  const reader = new LineReader();
  // At most `lines`.
  const last: string[] = [];
  if (file !== undefined) {
    for await (const line of reader.readFrom(file)) {
      last.push(line);
      if (last.length > lines) last.shift();
    }
  }
  for (const line of last) show(line, output);
  while (follow !== undefined && !follow.aborted) {
    if (file !== undefined) for await (const line of reader.readFrom(file)) show(line, output);
    await delay(LOOK_MS, undefined, { signal: follow }).catch(() => undefined);
    if (file !== undefined && (await isStill(file, path))) continue;
    // It was put aside: first the rest of it.
    if (file !== undefined) for await (const line of reader.readFrom(file)) show(line, output);
    const next = await openIfThere(path);
    if (next === undefined) continue;
    await file?.close();
    file = next;
    reader.restart();
  }
  await file?.close();
  return true;
}

function show(line: string, output: Output): void {
  const record = parse(line);
  if (record !== undefined) output.data(textOf(record), record);
  // The last words of one that died are no objects.
  else output.text(escapeText(line));
}

function textOf({ time, level, event, id, name, message = event }: LogLine): string {
  const about = name === undefined ? "" : `${name}${id === undefined ? "" : ` (${id})`}: `;
  const clock = new Date(time).toLocaleString("sv-SE");
  return `${clock} ${level.padEnd(5)} ${escapeText(`${about}${message}`)}`;
}

function parse(line: string): LogLine | undefined {
  try {
    const value = JSON.parse(line) as LogLine;
    return value.type === "log" ? value : undefined;
  } catch {
    return undefined;
  }
}

class LineReader {
  #position = 0;
  /** The unfinished line: at most `MOST_LINE`. */
  #rest = "";

  restart(): void {
    this.#position = 0;
    this.#rest = "";
  }

  /** The lines that are complete by now and were not read before. */
  async *readFrom(file: FileHandle): AsyncGenerator<string> {
    const decoder = new TextDecoder();
    for (;;) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(PIECE_BYTES), { position: this.#position });
      if (bytesRead === 0) return;
      this.#position += bytesRead;
      const [first = "", ...more] = decoder
        .decode(buffer.subarray(0, bytesRead), { stream: true })
        .split("\n");
      const whole = [this.#rest + first, ...more];
      this.#rest = (whole.pop() ?? "").slice(0, MOST_LINE);
      yield* whole;
    }
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw thrown;
  }
}

/** The path still leads to this file. */
async function isStill(file: FileHandle, path: string): Promise<boolean> {
  const [here, there] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return here.ino === there?.ino && here.dev === there.dev;
}
