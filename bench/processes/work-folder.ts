// A folder for outputs, settings and control sockets, which is gone when the bench is.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onLeave } from "./leaving.ts";

export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
  // Whoever has just been killed may still be writing there.
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  const takeBack = onLeave(remove);
  try {
    return await use(folder);
  } finally {
    takeBack();
    remove();
  }
}
