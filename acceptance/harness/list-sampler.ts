// Looks at the list again and again, as `holdfast list` does, and holds every row against the clock: who is called
// connected must have been heard within the timeout that the row itself names.
import { findProcesses, holdfastPaths, listEntries, type ConnectionEntry } from "@holdfast/control";
import { pause } from "./condition.ts";
import type { Scene } from "./scene.ts";

const EVERY_MS = 200;
/** Times in a list are whole milliseconds, and timers of a busy machine a little late. */
const SLACK_MS = 100;

export class ListSampler {
  /** Lists so far. */
  lists = 0;
  /** Rows that were called connected. */
  connectedRows = 0;
  /** The oldest evidence of any of them, in milliseconds, and its share of its timeout. */
  oldestMs = 0;
  oldestShare = 0;
  /** The first lie, in words. */
  lie: string | undefined = undefined;
  readonly #runtimeFolder: string;
  #stopped = false;
  readonly #done: Promise<void>;

  /** Until `stop`, or the end of the scene. */
  constructor(scene: Scene) {
    this.#runtimeFolder = holdfastPaths({ HOLDFAST_HOME: scene.home }).runtimeFolder;
    this.#done = this.#run().catch((error: unknown) => void (this.lie ??= String(error)));
    scene.onEnd(() => this.#end());
  }

  /** @throws Error with the first lie; or if it never saw anybody connected. Gives what was seen, in a few words. */
  async stop(): Promise<string> {
    await this.#end();
    if (this.lie !== undefined) throw new Error(this.lie);
    if (this.connectedRows === 0) throw new Error(`no row of ${this.lists} lists was connected`);
    const share = (this.oldestShare * 100).toFixed(0);
    return `${this.connectedRows} connected rows in ${this.lists} lists, the oldest evidence ${this.oldestMs} ms (${share} % of its timeout)`;
  }

  async #end(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #run(): Promise<void> {
    for (let last = false; !last;) {
      // Once more when it is told to stop: how an act ended is looked at, too.
      last = this.#stopped;
      const began = performance.now();
      // Before it asks: what is called connected afterwards was heard later than this minus the timeout.
      const askedAt = Date.now();
      for (const entry of await connectionsOf(this.#runtimeFolder)) this.#look(entry, askedAt);
      this.lists += 1;
      if (!last) await pause(Math.max(0, EVERY_MS - (performance.now() - began)));
    }
  }

  #look(entry: ConnectionEntry, askedAt: number): void {
    if (entry.state !== "connected") return;
    this.connectedRows += 1;
    const { name, last_heard: heard, liveness_timeout_ms: timeoutMs } = entry;
    if (heard === null || timeoutMs === null) {
      this.lie ??= `${name} is called connected without evidence: ${JSON.stringify(entry)}`;
      return;
    }
    const ageMs = askedAt - Date.parse(heard);
    if (ageMs > this.oldestMs) this.oldestMs = ageMs;
    this.oldestShare = Math.max(this.oldestShare, ageMs / timeoutMs);
    if (ageMs > timeoutMs + SLACK_MS)
      this.lie ??= `${name} is called connected, and was last heard ${ageMs} ms ago (timeout ${timeoutMs} ms)`;
  }
}

/** What every process of that folder lists; none while there is no process. */
async function connectionsOf(runtimeFolder: string): Promise<ConnectionEntry[]> {
  const { clients } = await findProcesses(runtimeFolder);
  try {
    const listed = await listEntries(clients);
    return listed.flatMap(({ entry }) => (entry.type === "connection" ? [entry] : []));
  } finally {
    for (const client of clients) client.close();
  }
}
