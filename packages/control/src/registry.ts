// What a process has to show: its entries, and the events that they make. In memory; the socket is elsewhere.
import type { Clock } from "@holdfast/core";
import { HoldfastError } from "@holdfast/core";
import { timestamp } from "./line-fields.ts";
import type { Outage } from "./outage.ts";
import type { Entry, Kind } from "./schemas/entries.ts";
import type { ControlEvent, EventBody, Topic } from "./schemas/events.ts";

/** What an entry says beside its name: everything of its schema but the identity. */
export type EntryFields<K extends Kind> = Omit<Extract<Entry, { type: K }>, "type" | "pid" | "id" | "name">;

export interface ItemOptions<K extends Kind> {
  readonly kind: K;
  /** An id that it had before, as of an earlier process. Default: the next one. */
  readonly id?: number;
  /** Made unique within the process by a number behind it. */
  readonly name: string;
  /** How it stands now. Called for each list, snapshot and event; must not throw. */
  status(): EntryFields<K>;
  /** What only `status` asks for, because it may be long. */
  details?(): Partial<EntryFields<K>>;
  /** Dial now. Absent: `reconnect` is answered with the error `unsupported`. */
  reconnect?(): void;
  /** End it. Absent: `disconnect` is answered with the error `unsupported`. */
  disconnect?(): void;
}

/** One entry, in the hands of the program that added it. */
export interface Item {
  /** Counts from 1 within the process and is never reused. */
  readonly id: number;
  readonly name: string;
  /** Something changed: tell the subscribers, unless nothing that they can see did. */
  changed(): void;
  /** An outage is over. */
  outage(outage: Outage): void;
  /** It is gone. Nothing happens the second time. */
  remove(): void;
}

interface Registered {
  readonly options: ItemOptions<Kind>;
  readonly id: number;
  readonly name: string;
  last: string;
}

export class Registry {
  readonly #pid: number;
  readonly #clock: Pick<Clock, "wall">;
  /** One for each thing that the program runs. */
  readonly #items = new Map<number, Registered>();
  /** One for each client, which are limited, and one for the program itself. */
  readonly #listeners = new Set<(event: ControlEvent) => void>();
  #nextId: number;
  #seq = 0;

  constructor(pid: number, clock: Pick<Clock, "wall">, firstId: number = 1) {
    this.#nextId = firstId;
    this.#pid = pid;
    this.#clock = clock;
  }

  /** The number of the last event. */
  get seq(): number {
    return this.#seq;
  }

  now(): string {
    return timestamp(this.#clock.wall());
  }

  add<K extends Kind>(options: ItemOptions<K>): Item {
    const item: Registered = {
      options: options as unknown as ItemOptions<Kind>,
      id: this.#idFor(options.id),
      name: this.#uniqueName(options.name),
      last: "",
    };
    this.#items.set(item.id, item);
    this.#changed(item);
    return {
      id: item.id,
      name: item.name,
      changed: () => this.#changed(item),
      outage: (outage) => this.#outage(item, outage),
      remove: () => this.#remove(item),
    };
  }

  #idFor(wanted: number | undefined): number {
    const id = wanted === undefined || this.#items.has(wanted) ? this.#nextId : wanted;
    this.#nextId = Math.max(this.#nextId, id + 1);
    return id;
  }

  entries(): readonly Entry[] {
    return [...this.#items.values()].map((item) => this.#entry(item));
  }

  /**
   * One entry with its details.
   * @throws HoldfastError `unknown_id`.
   */
  entry(id: number): Entry {
    const item = this.#find(id);
    return { ...this.#entry(item), ...item.options.details?.() } as Entry;
  }

  /**
   * How to reconnect or disconnect an entry: checked now, done when the result is called.
   * @throws HoldfastError `unknown_id`, `unsupported`.
   */
  action(id: number, what: "reconnect" | "disconnect"): () => void {
    const { options } = this.#find(id);
    if (options[what] === undefined) throw unsupported(options.kind, what);
    return () => options[what]?.();
  }

  /** Hear every event from now on. Returns the function that stops it. */
  listen(listener: (event: ControlEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  #find(id: number): Registered {
    const item = this.#items.get(id);
    if (item !== undefined) return item;
    throw new HoldfastError({
      code: "unknown_id",
      message: `this process has nothing with the id ${id}`,
      kind: "fatal",
      fault: "peer",
      hint: 'ask for {"type":"list"}',
    });
  }

  #entry(item: Registered): Entry {
    const { kind } = item.options;
    // The compiler cannot see that the kind and the fields of one item belong together.
    return { type: kind, pid: this.#pid, id: item.id, name: item.name, ...item.options.status() } as Entry;
  }

  #changed(item: Registered): void {
    if (!this.#items.has(item.id)) return;
    const { type, ...fields } = this.#entry(item);
    const shown = JSON.stringify(fields);
    if (shown === item.last) return;
    item.last = shown;
    this.#publish({ type: `${type}_state`, ...fields } as EventBody);
  }

  #outage(item: Registered, outage: Outage): void {
    const { kind } = item.options;
    if ((kind !== "tunnel" && kind !== "connection") || !this.#items.has(item.id)) return;
    this.#publish({
      type: `${kind}_outage`,
      ...this.#about(item),
      away_ms: Math.round(outage.awayMs),
      noticed_after_ms: outage.noticedAfterMs === undefined ? null : Math.round(outage.noticedAfterMs),
      attempts: outage.attempts,
      streams_resumed: outage.streamsResumed ?? null,
      streams_lost: outage.streamsLost ?? null,
    });
  }

  #remove(item: Registered): void {
    if (!this.#items.delete(item.id)) return;
    this.#publish({ type: `${item.options.kind}_removed`, ...this.#about(item) });
  }

  #about(item: Registered): { pid: number; id: number; name: string } {
    return { pid: this.#pid, id: item.id, name: item.name };
  }

  #publish(body: EventBody): void {
    const event: ControlEvent = { type: "event", seq: ++this.#seq, time: this.now(), event: body };
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch {
        // A listener that throws harms neither the line that changed nor the other listeners.
      }
    }
  }

  #uniqueName(wanted: string): string {
    const taken = new Set([...this.#items.values()].map((item) => item.name));
    let name = wanted;
    for (let number = 2; taken.has(name); number++) name = `${wanted}-${number}`;
    return name;
  }
}

/** The topic that an entry or an event belongs to. */
function topicOf(type: string): Topic {
  return type.replace(/_.*/, "") as Topic;
}

/** Whether somebody who subscribed to these topics wants this. */
export function isWanted(topics: ReadonlySet<Topic>, type: string): boolean {
  return topics.has("all") || topics.has(topicOf(type));
}

function unsupported(kind: Kind, what: string): HoldfastError {
  return new HoldfastError({
    code: "unsupported",
    message: `a ${kind} cannot be asked to ${what}`,
    kind: "fatal",
    fault: "peer",
  });
}
