// A program with one line, which it closes in the state that it was told; then it has nothing left to do.
import { connect } from "@holdfast/net";

const where = process.argv.at(-1);
const link = { close: () => undefined, ping: () => undefined };
const dial = (): Promise<typeof link> => {
  if (where === "connected") return Promise.resolve(link);
  if (where === "dialing") return new Promise(() => undefined);
  return Promise.reject(new Error("refused"));
};
const line = connect({
  dial,
  failFast: false,
  dialTimeoutMs: 600_000,
  backoff: { initialMs: 600_000, jitter: { kind: "none" } },
  ...(where === "vetoed" ? { retrying: (): false => false } : {}),
});
for await (const status of line.changes()) {
  const here = "phase" in status ? status.phase : status.state;
  if (here === where) void line.close();
}
await line.closed;
process.stdout.write(`${where}: ended\n`);
