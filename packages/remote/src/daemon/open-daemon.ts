// A daemon from its beginning to its end in order: the lock, the state file, what comes back, the control socket.
import { dirname, join } from "node:path";
import type { Clock } from "@holdfast/core";
import {
  openControl,
  timestamp,
  type CarryOut,
  type ControlHost,
  type EntryFields,
  type Item,
} from "@holdfast/control";
import { systemClock } from "@holdfast/net";
import { ensurePrivateFolder, FileSaver, readStateFile, writeFileAtomically } from "@holdfast/trust/files";
import { carryOut } from "./carry-out.ts";
import { ConnectionTable } from "./connection-table.ts";
import { damagedState } from "./daemon-failures.ts";
import type { DaemonWorld } from "./daemon-world.ts";
import {
  DAEMON_LIMITS,
  type Daemon,
  type DaemonLimits,
  type DaemonLog,
  type DaemonOptions,
} from "./daemon.ts";
import { ForwardTable } from "./forward-table.ts";
import { openMachineSessions, type MachineSessions } from "./machine-sessions.ts";
import { Promises } from "./promises.ts";
import { Questions } from "./questions.ts";
import { claimState } from "./state-claim.ts";
import { decodeState, encodeState, FIRST_STATE, type DaemonState } from "./state-file.ts";

/**
 * Begin to hold connections: those of the daemon before come back.
 * @throws HoldfastError `already_running`, `unsafe_folder`, `unsafe_file`, `cannot_make_folder`, `cannot_read`,
 * `path_too_long`. A state file that is damaged, or of a later version, is put aside, with a record in the log.
 */
export async function openDaemon(options: DaemonOptions): Promise<Daemon> {
  await ensurePrivateFolder(options.runtimeFolder);
  const folder = join(options.stateFolder, "daemon");
  await ensurePrivateFolder(options.stateFolder);
  await ensurePrivateFolder(folder);
  const daemon = new RunningDaemon(options, join(folder, "connections.json"));
  await daemon.open();
  return daemon;
}

class RunningDaemon implements Daemon {
  readonly ended: Promise<void>;
  readonly #options: DaemonOptions;
  readonly #limits: DaemonLimits;
  readonly #clock: Clock;
  readonly #path: string;
  readonly #saver: FileSaver;
  readonly #questions: Questions;
  readonly #since: number;
  #parts: Parts | undefined = undefined;
  #nextId = 1;
  #stopping = false;
  #closed = false;
  #closing: Promise<void> | undefined = undefined;
  #hasEnded: () => void = () => undefined;
  /** Settles when everything is there; commands may come a moment before. */
  readonly #ready: Promise<void>;
  #isReady: () => void = () => undefined;
  /** The state folder is free for another daemon. */
  #giveBack: () => Promise<void> = () => Promise.resolve();

  constructor(options: DaemonOptions, path: string) {
    this.#options = options;
    this.#limits = { ...DAEMON_LIMITS, ...options.limits };
    this.#clock = options.clock ?? systemClock;
    this.#path = path;
    this.#since = this.#clock.wall();
    this.#questions = new Questions({ clock: this.#clock, thinkMs: this.#limits.questionMs });
    this.#saver = new FileSaver({
      clock: this.#clock,
      encode: () => encodeState(this.#state),
      write: (text) => writeFileAtomically(path, text),
      onWarning: ({ text }) => this.#log({ level: "error", event: "not_saved", message: text }),
    });
    this.ended = new Promise((resolve) => (this.#hasEnded = resolve));
    this.#ready = new Promise((resolve) => (this.#isReady = resolve));
  }

  get sessionSocket(): string {
    return this.#known.sessions.socketPath;
  }

  get control(): ControlHost {
    return this.#known.control;
  }

  reconnectAll(): void {
    for (const held of this.#known.connections.all()) held.wake();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async open(): Promise<void> {
    const sessions = await this.#openSessions();
    try {
      this.#giveBack = await claimState(dirname(this.#path), sessions.socketPath);
      const state = await this.#load();
      await this.#openControl(sessions, state);
    } catch (thrown) {
      await this.#giveBack();
      await sessions.close();
      throw thrown;
    }
    const { connections, forwards } = this.#known;
    sessions.begin();
    connections.begin();
    forwards.begin();
    this.#saver.touch();
    await this.#saver.flush();
    this.#isReady();
    const message = `${connections.size} connections and ${forwards.size} forwards come back`;
    this.#log({ level: "info", event: "started", message });
  }

  get #known(): Parts {
    if (this.#parts === undefined) throw new Error("the daemon is not open yet");
    return this.#parts;
  }

  #openSessions(): Promise<MachineSessions> {
    const { runtimeFolder } = this.#options;
    return openMachineSessions({
      runtimeFolder,
      maxSessions: this.#limits.sessions,
      resumeMs: this.#limits.sessionResumeMs,
      clock: this.#clock,
      find: (name) => {
        const held = this.#known.connections.all().find(({ id }) => String(id) === name);
        return held && (async () => (await held.opened()).machine());
      },
      onEvent: (name, { type }) => this.#log({ level: "debug", event: type, id: Number(name) }),
      onWarning: ({ text }) => this.#log({ level: "warn", event: "warning", message: text }),
    });
  }

  async #load(): Promise<DaemonState> {
    const { value, setAside } = await readStateFile(this.#path, decodeState);
    if (setAside !== undefined) {
      const { text } = damagedState(this.#path, setAside);
      this.#log({ level: "error", event: "state_set_aside", message: text });
    }
    return value ?? FIRST_STATE;
  }

  async #openControl(sessions: MachineSessions, state: DaemonState): Promise<void> {
    const { runtimeFolder, version } = this.#options;
    let made: Omit<Parts, "control"> | undefined = undefined;
    const control = await openControl({
      command: "daemon",
      version,
      runtimeFolder,
      firstId: state.next_id,
      clock: this.#clock,
      begin: (add) => {
        made = this.#begin(sessions, state, add);
      },
      carryOut: async (request, peer) => {
        await this.#ready;
        return this.#known.carryOut(request, peer);
      },
    });
    if (made === undefined) throw new Error("the control socket has shown nothing");
    this.#parts = { ...(made as Omit<Parts, "control">), control };
  }

  /** Show everything that comes back, before anybody can look. */
  #begin(sessions: MachineSessions, state: DaemonState, add: ControlHost["add"]): Omit<Parts, "control"> {
    this.#nextId = state.next_id;
    const counted: ControlHost["add"] = (item) => {
      const made = add(item);
      this.#nextId = Math.max(this.#nextId, made.id + 1);
      return made;
    };
    const item = counted({
      kind: "daemon",
      id: state.daemon_id,
      name: "daemon",
      status: () => this.#fields(sessions.socketPath),
      disconnect: () => void this.#ready.then(() => this.close()),
    });
    const world = this.#world(counted, item);
    const promises = new Promises(state.promised, this.#clock, this.#limits.promiseMs, world.touch);
    const forwards = new ForwardTable(world, promises);
    const connections = new ConnectionTable({
      world,
      promises,
      forwards: (held) => forwards.over(held),
      onEnding: (held) => forwards.endOver(held),
      onEnded: (id) => sessions.endOf(String(id)),
    });
    const dormant = restoreAll(state, connections, forwards);
    const carry = carryOut({
      connections,
      forwards,
      questions: this.#questions,
      sessionSocket: sessions.socketPath,
      stopping: () => this.#stopping,
      saved: () => this.#saver.flush(),
    });
    return { item, sessions, promises, connections, forwards, dormant, carryOut: carry };
  }

  #world(add: ControlHost["add"], item: Item): DaemonWorld {
    const { plugins, wakes = [], random } = this.#options;
    return {
      plugins,
      limits: this.#limits,
      questions: this.#questions,
      wakes,
      clock: this.#clock,
      random,
      add,
      touch: () => {
        // What is shown from the start is written when all of it is there.
        if (this.#closed || this.#parts === undefined) return;
        this.#saver.touch();
        item.changed();
      },
      log: (record) => this.#log(record),
    };
  }

  get #state(): DaemonState {
    const { item, connections, forwards, promises, dormant } = this.#known;
    const [all, over] = [connections.all(), forwards.all()];
    const connected = all.filter(({ comesBack }) => comesBack);
    const kept = over.filter((held) => held.kept && held.connection.comesBack);
    return {
      version: 1,
      next_id: this.#nextId,
      daemon_id: item.id,
      connections: [...connected.map(({ record }) => record), ...dormant.connections],
      forwards: [...kept.map(({ record }) => record), ...dormant.forwards],
      promised: [
        ...promises.open,
        ...all.filter(({ comesBack }) => !comesBack).map(({ promise }) => promise),
        ...over.filter((held) => !kept.includes(held)).map(({ promise }) => promise),
      ],
    };
  }

  #fields(sessionSocket: string): EntryFields<"daemon"> {
    return {
      state: this.#stopping ? "stopping" : "running",
      since: timestamp(this.#since),
      connections: this.#parts?.connections.size ?? 0,
      forwards: this.#parts?.forwards.size ?? 0,
      session_socket: sessionSocket,
      log_file: this.#options.logFile ?? null,
    };
  }

  async #close(): Promise<void> {
    const { item, control, sessions, connections, forwards, promises } = this.#known;
    this.#stopping = true;
    item.changed();
    this.#log({ level: "info", event: "stopping" });
    promises.end();
    await sessions.endSessions();
    await forwards.close();
    await connections.close();
    this.#saver.touch();
    this.#closed = true;
    await this.#saver.flush();
    item.remove();
    await control.close();
    await this.#giveBack();
    // Last, because it is what keeps the next daemon from beginning.
    await sessions.close();
    this.#hasEnded();
  }

  #log(record: DaemonLog): void {
    try {
      this.#options.log(record);
    } catch {
      // A log that fails harms nothing else.
    }
  }
}

/** What one of an older version, or with fewer plugins, has no use for; it stays in the file. */
type Dormant = Pick<DaemonState, "connections" | "forwards">;

interface Parts {
  readonly item: Item;
  readonly control: ControlHost;
  readonly sessions: MachineSessions;
  readonly promises: Promises;
  readonly connections: ConnectionTable;
  readonly forwards: ForwardTable;
  readonly dormant: Dormant;
  readonly carryOut: CarryOut;
}

/** @returns what could not be restored. */
function restoreAll(state: DaemonState, connections: ConnectionTable, forwards: ForwardTable): Dormant {
  const lost = state.connections.filter((record) => !connections.restore(record));
  const gone = new Set(lost.map(({ id }) => id));
  for (const record of state.forwards) {
    if (!gone.has(record.connection)) forwards.restore(record, connections.get(record.connection));
  }
  return { connections: lost, forwards: state.forwards.filter(({ connection }) => gone.has(connection)) };
}
