// A plugin whose dials are answered by the test, in real time.
import type { HoldfastError } from "@holdfast/core";
import type { Backend, Plugin, PluginContext } from "@holdfast/remote";
import { Call } from "../connection/stage.ts";
import { until } from "./stage.ts";

/** One connection of the plugin. */
export class Script {
  readonly host: string;
  readonly context: PluginContext;
  readonly calls: Call[] = [];
  readonly disposals: boolean[] = [];

  constructor(host: string, context: PluginContext) {
    this.host = host;
    this.context = context;
  }

  get last(): Call {
    const call = this.calls.at(-1);
    if (call === undefined) throw new Error("nobody dialled yet");
    return call;
  }

  /** The dial of this number, from 1. */
  dial(number: number): Promise<Call> {
    return until(() => this.calls[number - 1]);
  }
}

export class ScriptedPlugin {
  readonly scripts: Script[] = [];
  preset: Plugin["preset"] = {};
  health = { intervalMs: 500, timeoutMs: 500, failures: 3 };
  reverse: true | string = true;
  /** Answers dials by itself, if it wants to. Default: leaves them open. */
  onDial: (call: Call, script: Script) => void = () => undefined;

  get plugin(): Plugin {
    const able = { processes: true, terminals: true, signals: true, files: true, system_info: true } as const;
    return {
      name: "scripted",
      schemes: ["scripted"],
      abilities: { ...able, forward: true, reverse_forward: this.reverse },
      preset: this.preset,
      health: this.health,
      open: ({ host }, context) => this.#backend(new Script(host, context)),
    };
  }

  /** The last connection that was opened to this host. */
  of(host: string): Promise<Script> {
    return until(() => this.scripts.findLast((script) => script.host === host));
  }

  #backend(script: Script): Backend {
    this.scripts.push(script);
    return {
      dial: (attempt, interaction) => {
        const call = new Call(performance.now(), attempt, interaction);
        script.calls.push(call);
        attempt.signal.addEventListener("abort", () => void call.fail(attempt.signal.reason), { once: true });
        // A machine that answers pings.
        call.machine.onPing = () => {
          attempt.heard();
          return Promise.resolve();
        };
        this.onDial(call, script);
        return call.result;
      },
      dispose: (how) => {
        script.disposals.push(how?.keep ?? false);
        return Promise.resolve();
      },
    };
  }
}

/** Every dial succeeds at once. */
export function succeeds(call: Call): void {
  void call.open();
}

/** Every dial fails, with this. */
export function failsWith(failure: HoldfastError): (call: Call) => void {
  return (call) => void call.fail(failure);
}
