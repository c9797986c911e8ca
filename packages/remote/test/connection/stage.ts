// A connection on a stage: virtual time, and a plugin whose dials are answered by hand.
import { PassThrough, type Duplex } from "node:stream";
import { HoldfastError, type Policy } from "@holdfast/core";
import { Host, seededRandom, World } from "@holdfast/core/testing";
import type { Attempt } from "@holdfast/net";
import {
  openConnection,
  pluginRegistry,
  type Backend,
  type Connection,
  type ConnectionStatus,
  type HealthCheck,
  type Interaction,
  type Machine,
  type OpenConnectionOptions,
  type Plugin,
  type PluginContext,
  type RemoteListener,
} from "@holdfast/remote";

/** Every promise that can settle does. */
export async function settle(): Promise<void> {
  await Promise.resolve();
  await new Promise<void>((resolve) => process.nextTick(resolve));
  await new Promise<void>((resolve) => void setImmediate(resolve));
}

async function drain(): Promise<void> {
  await Promise.resolve();
  await new Promise<void>((resolve) => process.nextTick(resolve));
}

export const linkLost = (): HoldfastError =>
  new HoldfastError({ code: "link_lost", message: "the link was lost" });

class FakeMachine implements Machine {
  closes = 0;
  pings = 0;
  onPing: () => Promise<void> = () => Promise.resolve();
  readonly streams: PassThrough[] = [];
  readonly listened: string[] = [];
  refuse: HoldfastError | undefined = undefined;
  readonly files = new Proxy({}, { get: () => () => Promise.reject(linkLost()) }) as Machine["files"];

  start(): Promise<never> {
    return Promise.reject(linkLost());
  }

  systemInfo(): Promise<never> {
    return Promise.reject(linkLost());
  }

  ping(): Promise<void> {
    this.pings += 1;
    return this.onPing();
  }

  /** An echo. */
  connectTcp(): Promise<Duplex> {
    if (this.closes > 0) return Promise.reject(linkLost());
    if (this.refuse !== undefined) return Promise.reject(this.refuse);
    const stream = new PassThrough();
    stream.on("error", () => undefined);
    this.streams.push(stream);
    return Promise.resolve(stream);
  }

  listenTcp(host: string, port: number): Promise<RemoteListener> {
    this.listened.push(`${host}:${port}`);
    if (this.refuse !== undefined) return Promise.reject(this.refuse);
    return Promise.resolve({ host, port: port === 0 ? 40_000 : port, close: () => Promise.resolve() });
  }

  close(): void {
    this.closes += 1;
    for (const stream of this.streams) stream.destroy(linkLost());
  }
}

/** One dial of the plugin. */
export class Call {
  readonly machine = new FakeMachine();
  readonly at: number;
  readonly attempt: Attempt;
  readonly interaction: Interaction;
  readonly result: Promise<Machine>;
  #resolve: (machine: Machine) => void = () => undefined;
  #reject: (failure: unknown) => void = () => undefined;

  constructor(at: number, attempt: Attempt, interaction: Interaction) {
    this.at = at;
    this.attempt = attempt;
    this.interaction = interaction;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get aborted(): boolean {
    return this.attempt.signal.aborted;
  }

  open(): Promise<void> {
    this.#resolve(this.machine);
    return settle();
  }

  fail(failure: unknown): Promise<void> {
    this.#reject(failure);
    return settle();
  }

  lose(cause: unknown = linkLost()): Promise<void> {
    this.attempt.lost(cause);
    return settle();
  }
}

export const CHECK: HealthCheck = { intervalMs: 2_000, timeoutMs: 5_000, failures: 3 };

export class Stage {
  readonly world: World;
  readonly host: Host;
  readonly calls: Call[] = [];
  disposals = 0;
  preset: Policy | undefined = {};
  context: PluginContext | undefined = undefined;
  /** Answers a dial by itself if it wants to. */
  onDial: (call: Call) => void = () => undefined;
  readonly #random: () => number;

  constructor(seed = 1) {
    this.world = new World({ seed, mostAtOnce: 50_000 });
    this.host = new Host(this.world);
    this.#random = seededRandom(seed);
  }

  get plugin(): Plugin {
    const able = { processes: true, terminals: true, signals: true, files: true, system_info: true } as const;
    return {
      name: "fake",
      schemes: ["fake"],
      abilities: { ...able, forward: true, reverse_forward: true },
      preset: this.preset,
      health: CHECK,
      open: (_, context) => {
        this.context = context;
        return this.#backend();
      },
    };
  }

  #backend(): Backend {
    return {
      dial: (attempt, interaction) => {
        const call = new Call(this.world.now, attempt, interaction);
        this.calls.push(call);
        this.onDial(call);
        return call.result;
      },
      dispose: () => {
        this.disposals += 1;
        return Promise.resolve();
      },
    };
  }

  async open(options: Partial<OpenConnectionOptions> = {}): Promise<Connection> {
    const connection = await openConnection({
      plugins: pluginRegistry([this.plugin]),
      destination: "fake://there",
      id: "7",
      policy: { failFast: false },
      clock: this.host.clock,
      random: this.#random,
      ...options,
    });
    await settle();
    return connection;
  }

  /** A connection whose first link has been up for long enough. */
  async up(options: Partial<OpenConnectionOptions> = {}): Promise<Connection> {
    const connection = await this.open(options);
    await this.last.open();
    await this.pass(11_000);
    return connection;
  }

  get last(): Call {
    const call = this.calls.at(-1);
    if (call === undefined) throw new Error("nobody dialled yet");
    return call;
  }

  async pass(ms: number, check: () => void = () => undefined): Promise<void> {
    await settle();
    await this.world.run(this.world.now + ms, { drain, check });
    await settle();
  }

  /** Let time pass until the next dial. */
  async redialled(): Promise<Call> {
    const before = this.calls.length;
    for (let turns = 0; turns < 10_000 && this.calls.length === before; turns++) await this.pass(20);
    if (this.calls.length === before) throw new Error("nobody dials");
    return this.last;
  }
}

/** Every state that a reader sees, until it is stopped. */
export function watched(connection: Connection): { readonly seen: ConnectionStatus[]; stop(): void } {
  const seen: ConnectionStatus[] = [];
  const stop = new AbortController();
  void (async () => {
    for await (const status of connection.changes({ signal: stop.signal })) seen.push(status);
  })();
  return { seen, stop: () => stop.abort() };
}

/** A person who answers when told to. */
export class Person implements Interaction {
  readonly attended = true;
  readonly asked: string[] = [];
  answer: (answers: readonly string[]) => void = () => undefined;

  ask(questions: readonly { readonly text: string }[]): Promise<readonly string[]> {
    this.asked.push(...questions.map(({ text }) => text));
    return new Promise((resolve) => (this.answer = resolve));
  }

  async confirm(text: string): Promise<boolean> {
    const [answer] = await this.ask([{ text }]);
    return answer === "yes";
  }
}
