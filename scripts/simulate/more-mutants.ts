// More bugs: those that our own engine had, and those that its rules invite.
import type { Mutant } from "./mutant.ts";

const CORE = "core/src";
const MACHINE = "core/src/machine";
const NET = "net/src";

export const moreMutants: readonly Mutant[] = [
  {
    id: "C1",
    name: "writing to an idle link kills it",
    file: `${MACHINE}/liveness.ts`,
    find: "Math.max(state.heardAt, state.busySince) + busyTimeoutMs",
    replace: "state.heardAt + busyTimeoutMs",
  },
  {
    id: "C2",
    name: "a wake starts the clock of unmoved data anew",
    file: `${MACHINE}/up.ts`,
    find: "probeUntil: now + patienceMs(state, config) };",
    replace: "probeUntil: now + patienceMs(state, config), movedAt: now };",
  },
  {
    id: "C3",
    name: "a token that came too late is taken for the refused one",
    file: `${NET}/credentials.ts`,
    find: "if (!signal.aborted) this.#last = value;",
    replace: "this.#last = value;",
  },
  {
    id: "C4",
    name: "a stranger is forgotten after the next failure",
    file: `${MACHINE}/verdict.ts`,
    find: "suspect: before.suspect || stranger",
    replace: "suspect: stranger",
  },
  {
    id: "C5",
    name: "a stranger ends a line that had been connected",
    file: `${MACHINE}/verdict.ts`,
    find: "return memory.epoch === 0 || config.strictIdentity;",
    replace: "return true;",
  },
  {
    id: "C6",
    name: "eleven dials within ten seconds",
    file: `${CORE}/pacing.ts`,
    find: "const BURST = 10;",
    replace: "const BURST = 11;",
  },
  {
    id: "C7",
    name: "two dials within 90 ms",
    file: `${CORE}/pacing.ts`,
    find: "const GAP_MS = 100;",
    replace: "const GAP_MS = 90;",
  },
  {
    id: "C8",
    name: "a dial may take half a second longer",
    file: `${MACHINE}/deadline.ts`,
    find: "return state.expiresAt;",
    replace: "return state.expiresAt + 500;",
  },
  {
    id: "C9",
    name: "one attempt too many",
    file: `${MACHINE}/verdict.ts`,
    find: "memory.failures >= config.maxAttempts",
    replace: "memory.failures > config.maxAttempts",
  },
  {
    id: "C10",
    name: "any wake leaves auth_required",
    file: `${MACHINE}/step.ts`,
    find: `(input.type === "wake" && input.reason === "user")`,
    replace: `input.type === "wake"`,
  },
  {
    id: "C11",
    name: "a link whose address is gone is kept",
    file: `${MACHINE}/up.ts`,
    find: "if (input.addressGone) {",
    replace: "if (input.addressGone && config.initialMs < 0) {",
  },
  {
    id: "C12",
    name: "a wake does not doubt the link",
    file: `${MACHINE}/up.ts`,
    find: "? probe(woken, now, config)",
    replace: "? stay(woken)",
  },
  {
    id: "C13",
    name: "a listener is left on the user's signal",
    file: `${NET}/connect.ts`,
    find: `this.#stops.push(() => signal.removeEventListener("abort", stop));`,
    replace: "",
  },
  {
    id: "C14",
    name: "a link that drops at once is no failure",
    file: `${MACHINE}/verdict.ts`,
    find: `const counts = stable || announced || config.resetOn === "connect" ? 0 : 1;`,
    replace: "const counts = 0 as number;",
  },
  {
    id: "C15",
    name: "the only credential is presented for ever",
    file: `${NET}/credentials.ts`,
    find: `return typeof this.#provider === "function" ? failure : settled(failure, undefined);`,
    replace: "return failure;",
    also: [
      {
        file: `${MACHINE}/verdict.ts`,
        find: `if (refused !== undefined) return stay(end(memory, "failed", failure, now));`,
        replace: "",
      },
    ],
  },
  {
    id: "C16",
    name: "a long hint is spread over a tenth of itself",
    file: `${CORE}/backoff.ts`,
    find: "Math.min(hintMs / 10, HINT_SPREAD_MS)",
    replace: "(hintMs / 10)",
  },
  {
    id: "C17",
    name: "one failed ping too many",
    file: `${MACHINE}/up.ts`,
    find: "worse.pingFailures >= most",
    replace: "worse.pingFailures > most",
  },
  {
    id: "C18",
    name: "the window of a drain is forgotten",
    file: `${MACHINE}/up.ts`,
    find: "draining: { windowMs: input.windowMs }",
    replace: "draining: { windowMs: undefined }",
  },
  {
    id: "C19",
    name: "a veto is ignored",
    file: `${MACHINE}/step.ts`,
    find: `return stay(end(memory, "vetoed", memory.failure, now));`,
    replace: "return stay(state);",
  },
  {
    id: "C20",
    name: "a late timer does not let waiting bytes in first",
    file: `${NET}/connect.ts`,
    find: "if (late) this.#timer.set(0);",
    replace: 'if (late) this.#feed({ type: "tick" });',
  },
  {
    id: "C21",
    name: "a source of wakes is not stopped",
    file: `${NET}/connect.ts`,
    find: "for (const stop of this.#stops.splice(0)) this.#stop(stop);",
    replace: "",
  },
  {
    id: "C22",
    name: "the hook's delay ignores what the peer asked for",
    file: `${MACHINE}/step.ts`,
    find: "const retryAt = Math.max(wanted, state.notBefore, earliestDial(memory.recentDials));",
    replace: "const retryAt = Math.max(wanted, earliestDial(memory.recentDials));",
  },
  {
    id: "C23",
    name: "the raised cap comes with hinted refusals too",
    file: `${MACHINE}/verdict.ts`,
    find: "hintOf(failure, config) === undefined && retriesLater(failure)",
    replace: "retriesLater(failure)",
  },
  {
    id: "C24",
    name: "a hang-up leaves the link open",
    file: `${NET}/dial-run.ts`,
    find: "if (this.link !== undefined) void discard(this.link, reason);",
    replace: "",
  },
  {
    id: "C25",
    name: "a write hides the acknowledgement right after it",
    file: `${NET}/dial-run.ts`,
    find: "    this.#busy = busy;\n    this.#movedBytes = movedBytes;",
    replace: "    this.#movedBytes = movedBytes;",
    also: [
      {
        file: `${NET}/dial-run.ts`,
        find: "if (busy === this.#busy && !moved) return;",
        replace:
          "if (busy === this.#busy && now - this.#movedAt < PROGRESS_MS) return;\n    this.#busy = busy || moved;",
      },
    ],
  },
];
