// A pipe that nobody reads must not stop the process that writes to it. Node writes to pipes with system calls that
// block until the reader has made room, which would freeze every tunnel; this asks it not to. What then waits is
// bounded by `Output`.

/** Files, and terminals, are left as they are. The method is not documented, so it is only used where it is there. */
export function unblock(stream: NodeJS.WriteStream): void {
  if (stream.isTTY) return;
  const { _handle: handle } = stream as { _handle?: { setBlocking?: (blocking: boolean) => unknown } };
  handle?.setBlocking?.(false);
}

const FLUSH_MS = 1_000;

/** Let a reader have what waits for it before the process ends; one that does not read is not waited for long. */
export async function flush(...streams: readonly NodeJS.WriteStream[]): Promise<void> {
  await Promise.all(
    streams.map(async (stream) => {
      if (stream.writableLength === 0 || stream.destroyed) return;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, FLUSH_MS)));
      const done = new Promise<void>((resolve) =>
        stream.once("drain", resolve).once("error", () => resolve()),
      );
      await Promise.race([late, done]);
      clearTimeout(timer);
    }),
  );
}
