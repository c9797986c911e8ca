// The known_hosts files themselves: all are read anew for each dial, and a new host is one whole line in the first.
import { mkdir, open, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { KnownHosts } from "./known-hosts.ts";
import { parseKnownHosts } from "./known-hosts.ts";

/** A file that is larger is not read, and said not to be. */
const MOST_BYTES = 16 * 1_048_576;

/** A file that is not there says nothing; one that cannot be read is a problem. */
export async function readKnownHosts(files: readonly string[]): Promise<KnownHosts> {
  const all = await Promise.all(files.map(readOne));
  return {
    lines: all.flatMap(({ lines }) => lines),
    problems: all.flatMap(({ problems }) => problems),
  };
}

async function readOne(file: string): Promise<KnownHosts> {
  try {
    const { size } = await stat(file);
    if (size > MOST_BYTES) return { lines: [], problems: [`${file}: larger than 16 MiB, and not read`] };
    return parseKnownHosts(await readFile(file, "utf8"), file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { lines: [], problems: code === "ENOENT" ? [] : [`${file}: ${message}`] };
  }
}

/**
 * Add a line by one write to the file opened for append, so that two processes never interleave. It begins with a
 * newline if the file lacks its last one. A new file is 0600, a new folder 0700.
 * @throws what the system says.
 */
export async function appendKnownHost(file: string, line: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const handle = await open(file, "a+", 0o600);
  try {
    const { size } = await handle.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await handle.read(last, 0, 1, size - 1);
    const separated = size === 0 || last.toString() === "\n" ? `${line}\n` : `\n${line}\n`;
    await handle.write(Buffer.from(separated));
  } finally {
    await handle.close();
  }
}
