// Draws the machine's states by driving it: from every kind of state that can be reached, every input, at the
// moments that matter. What is drawn is what the code did, so the picture cannot lie.
import {
  deadline,
  HoldfastError,
  initialState,
  resolveConfig,
  statusOf,
  step,
  type Config,
  type FailureDetails,
  type Input,
  type MachineState,
  type Policy,
} from "@holdfast/core";
import { BEATS, EXPIRED, FATAL, PINGS, REFUSED, STRANGER } from "./bench.ts";

type Kind = MachineState["at"];
const KINDS: readonly Kind[] = ["idle", "waiting", "dialing", "up", "auth_required", "ended"];

const FAILURES: Readonly<Record<string, FailureDetails>> = {
  transient: REFUSED,
  throttled: { code: "busy", message: "busy", kind: "throttled", fault: "peer", retryAfterMs: 90_000 },
  fatal: FATAL,
  stranger: STRANGER,
  unauthorized: EXPIRED,
  "unauthorized, with a prompt": { ...EXPIRED, prompt: "password" },
  replaced: { code: "replaced", message: "replaced", fault: "peer" },
};

const POLICIES: readonly Policy[] = [
  { failFast: false },
  { failFast: true },
  { failFast: false, maxAttempts: 2 },
  { failFast: false, giveUpAfterMs: 20_000 },
  { failFast: false, reconnect: false },
];

/** An input, and what the picture calls it. */
interface Cue {
  readonly name: string;
  readonly input: Input;
}

interface Found {
  readonly state: MachineState;
  readonly now: number;
}

/** What an input did to a kind of state: where it led, and what it asked for. */
export interface Transition {
  readonly from: Kind;
  readonly cue: string;
  readonly to: Kind;
  readonly actions: string;
}

function cues(dial: number): readonly Cue[] {
  const failed = Object.entries(FAILURES).map(
    ([name, details]) => [name, new HoldfastError(details)] as const,
  );
  const wakes: readonly Cue[] = [
    { name: "wake: a user's", input: { type: "wake", reason: "user" } },
    { name: "wake: automatic", input: { type: "wake", reason: "network" } },
    { name: "wake: automatic, address gone", input: { type: "wake", reason: "network", addressGone: true } },
  ];
  return [
    { name: "start", input: { type: "start" } },
    { name: "opened", input: { type: "opened", dial, link: PINGS } },
    { name: "opened", input: { type: "opened", dial, link: BEATS } },
    ...failed.map(([name, failure]): Cue => {
      return { name: `dial_failed: ${name}`, input: { type: "dial_failed", dial, failure } };
    }),
    ...failed.map(([name, failure]): Cue => ({
      name: `lost: ${name}`,
      input: { type: "lost", dial, failure },
    })),
    { name: "drain_announced", input: { type: "drain_announced", dial, windowMs: 5_000 } },
    { name: "ping_failed", input: { type: "ping_failed", dial, failure: new HoldfastError(REFUSED) } },
    { name: "ping_sent", input: { type: "ping_sent", dial } },
    { name: "progress", input: { type: "progress", dial, unackedBytes: 1, movedBytes: 1 } },
    ...wakes,
    { name: "answered", input: { type: "answered" } },
    { name: "adjusted", input: { type: "adjusted", dial, delayMs: 5_000 } },
    { name: "vetoed", input: { type: "vetoed", dial } },
    { name: "tick", input: { type: "tick" } },
    { name: "close", input: { type: "close" } },
  ];
}

const CUE_NAMES: readonly string[] = cues(0).map(({ name }) => name);

/** States that behave alike have one key, so that the search ends. */
function keyOf({ state, now }: Found, config: Config): string {
  const { epoch, failures, refused, lostAt, grace, changedAt } = state.memory;
  const spent = lostAt !== undefined && now >= lostAt + config.giveUpAfterMs;
  const own =
    state.at === "waiting"
      ? [state.notBefore > now, state.retryAt > now]
      : state.at === "up"
        ? [
            state.link.pings,
            state.stable,
            state.draining !== undefined,
            state.probeUntil !== undefined,
            state.pingOut,
          ]
        : state.at === "dialing"
          ? [changedAt > state.startedAt, now >= state.expiresAt]
          : [];
  const due = now >= (deadline(state, config) ?? Infinity);
  return [state.at, epoch > 0, Math.min(failures, 2), refused !== undefined, grace, spent, due, own].join();
}

/** Everything that the machine does, from its first state on. */
export function transitions(): readonly Transition[] {
  const found = new Map<string, Transition>();
  for (const policy of POLICIES) {
    const config = resolveConfig(policy);
    const seen = new Set<string>();
    const todo: Found[] = [{ state: initialState, now: 0 }];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      const key = keyOf(next, config);
      if (seen.has(key)) continue;
      seen.add(key);
      todo.push(...expand(next, config, found));
    }
  }
  return [...found.values()];
}

function expand({ state, now }: Found, config: Config, found: Map<string, Transition>): readonly Found[] {
  const dueAt = deadline(state, config) ?? now;
  // Now; when the machine asks to be looked at; and far too late.
  const moments = new Set([now, now + 200, Math.max(now, dueAt), Math.max(now, dueAt) + 60_000]);
  return [...moments].flatMap((at) =>
    cues(state.memory.dial).map(({ name, input }) => {
      const after = step(state, input, at, config, () => 0.5);
      const actions = after.actions.map(({ type }) => type).join(", ");
      const seen = { from: state.at, cue: name, to: after.state.at, actions };
      const changed = after.state !== state || actions !== "";
      if (changed) found.set(Object.values(seen).join("|"), seen);
      return { state: after.state, now: at };
    }),
  );
}

/** What each kind of state is shown as, before the first link and after it. */
function shownAs(kind: Kind): string {
  const { memory } = initialState;
  const states: Readonly<Record<Kind, MachineState>> = {
    idle: initialState,
    waiting: { at: "waiting", memory, retryAt: 0, notBefore: 0 },
    dialing: { at: "dialing", memory, startedAt: 0, expiresAt: 0 },
    up: step(
      { at: "dialing", memory, startedAt: 0, expiresAt: 0 },
      { type: "opened", dial: memory.dial, link: PINGS },
      0,
      resolveConfig(),
      () => 0,
    ).state,
    auth_required: { at: "auth_required", memory, prompt: "?" },
    ended: { at: "ended", memory, reason: { code: "closed", error: undefined, failures: 0 } },
  };
  const names = [0, 1].map((epoch) => {
    const state = states[kind];
    const status = statusOf({ ...state, memory: { ...state.memory, epoch } } as MachineState);
    return "phase" in status ? `\`${status.state}\`, \`${status.phase}\`` : `\`${status.state}\``;
  });
  return [...new Set(names)].join("; then ");
}

/** `dial_failed: fatal` and `dial_failed: replaced` are one line of the picture if all of them lead there. */
function labels(some: readonly Transition[]): string {
  const names = new Map<string, Set<string>>();
  for (const { cue } of some) {
    const [name = "", variant = ""] = cue.split(": ");
    names.set(name, (names.get(name) ?? new Set()).add(variant));
  }
  return [...names]
    .map(([name, variants]) => {
      const every = new Set(CUE_NAMES.filter((cue) => cue.split(": ")[0] === name));
      return variants.size === every.size ? name : `${name} (${[...variants].join("; ")})`;
    })
    .join(", ");
}

/** The whole document, from everything that `transitions` found. */
export function drawStates(all: readonly Transition[]): string {
  const arrows = KINDS.flatMap((from) =>
    KINDS.filter((to) => to !== from).flatMap((to) => {
      const some = all.filter((t) => t.from === from && t.to === to);
      return some.length === 0 ? [] : [`  ${from} --> ${to}: ${labels(some)}`];
    }),
  );
  const rows = all
    .map(({ from, cue, to, actions }) => `| ${from} | ${cue} | ${to} | ${actions} |`)
    .sort((a, b) => kindOrder(a) - kindOrder(b) || (a < b ? -1 : 1));
  return [
    "# The states of the reconnect machine",
    "",
    "Drawn by driving the machine with every input from every kind of state (`packages/core/test/state-diagram.ts`); a",
    "test fails when this page and the code differ. `UPDATE=1 npx vitest run packages/core/test/state-diagram.test.ts`",
    "draws it again.",
    "",
    "```mermaid",
    "stateDiagram-v2",
    "  [*] --> idle",
    ...arrows,
    "  ended --> [*]",
    "```",
    "",
    "| state of the machine | state, phase of the line, before the first link and after it |",
    "| --- | --- |",
    ...KINDS.map((kind) => `| ${kind} | ${shownAs(kind)} |`),
    "",
    "Every transition, and what it asks the driver to do. An input that is not listed for a state changes nothing there.",
    "",
    "| from | input | to | actions |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

function kindOrder(row: string): number {
  return KINDS.findIndex((kind) => row.startsWith(`| ${kind} |`));
}
