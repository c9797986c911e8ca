// A machine, offered to the other end of a session. See wire/README.md.
import { HoldfastError } from "@holdfast/core";
import { KIND, RESET, type SessionStream } from "@holdfast/core/session";
import { systemClock } from "@holdfast/net";
import type { SessionHandle } from "@holdfast/net/session";
import { DEFAULT_SERVE_LIMITS, resolveLimits } from "../limits.ts";
import { RecordPort } from "../record-port.ts";
import { decodeOpening, PURPOSE, WIRE_VERSION, type Opening } from "../wire/opening.ts";
import { ServedCalls } from "./served-calls.ts";
import { serveConnect, serveListen } from "./served-network.ts";
import { ServedProcess } from "./served-process.ts";
import type { MachineService, MachineSource, ServeMachineOptions } from "./options.ts";
import { Service } from "./service.ts";

const KILL_DELAY_MS = 5_000;

/**
 * Offer a machine to the other end of the session, until the session ends or this is closed. What was started outlives
 * links; when the session is lost for good it is ended.
 * @throws HoldfastError `bad_config` (fatal).
 */
export function serveMachine(
  session: SessionHandle,
  machine: MachineSource,
  options: ServeMachineOptions = {},
): MachineService {
  return new ServedMachine(session, machine, options);
}

class ServedMachine implements MachineService {
  readonly ended: Promise<void>;
  readonly #service: Service;
  readonly #calls: ServedCalls;
  /** One for each process, by the id of its stream; bounded by the session's streams. */
  readonly #processes = new Map<number, ServedProcess>();

  constructor(session: SessionHandle, source: MachineSource, options: ServeMachineOptions) {
    this.#service = new Service({
      session,
      source,
      name: options.name ?? "",
      limits: resolveLimits(DEFAULT_SERVE_LIMITS, options.limits),
      killDelayMs: options.killDelayMs ?? KILL_DELAY_MS,
      clock: options.clock ?? systemClock,
      onEvent: options.onEvent ?? (() => undefined),
    });
    this.#calls = new ServedCalls(this.#service, async (id, name) => this.#processes.get(id)?.signal(name));
    this.ended = new Promise((resolve) => {
      this.#close = () => void this.#service.endAll().then(resolve);
    });
    void session.ended.then(() => this.#close());
  }

  #close: () => void = () => undefined;

  get processes(): number {
    return this.#service.count("processes");
  }

  async close(): Promise<void> {
    this.#close();
    await this.ended;
  }

  take(stream: SessionStream): boolean {
    if (stream.kind !== KIND.machine) return false;
    const opening = decodeOpening(stream);
    if (opening === undefined || opening.machine !== this.#service.options.name) return false;
    if (this.#service.closing) stream.reset(RESET.notProcessed);
    else if (opening.version === WIRE_VERSION && opening.of !== undefined && isOfProcess(opening)) {
      if (this.#processes.get(opening.of)?.attach(opening.purpose, stream) !== true) {
        stream.reset(RESET.notProcessed);
      }
    } else {
      const port = new RecordPort(stream, this.#service.session);
      void this.#serve(port, opening).catch((thrown: unknown) => port.fail(thrown));
    }
    return true;
  }

  async #serve(port: RecordPort, { version, purpose, machine }: Opening): Promise<void> {
    if (version !== WIRE_VERSION) throw unknownVersion(version);
    switch (purpose) {
      case PURPOSE.call:
        return this.#calls.serve(port);
      case PURPOSE.process:
        return this.#process(port);
      case PURPOSE.connect:
        return serveConnect(port, this.#service);
      case PURPOSE.listen:
        return serveListen(port, this.#service, machine);
      default:
        port.port.stream.reset(RESET.notProcessed);
    }
  }

  async #process(port: RecordPort): Promise<void> {
    const process = new ServedProcess(port, this.#service);
    this.#processes.set(port.id, process);
    try {
      await process.run();
    } finally {
      this.#processes.delete(port.id);
    }
  }
}

function isOfProcess({ purpose }: Opening): boolean {
  return purpose === PURPOSE.stdin || purpose === PURPOSE.stdout || purpose === PURPOSE.stderr;
}

function unknownVersion(version: number): HoldfastError {
  const message = `this end speaks version ${WIRE_VERSION} of the protocol for machines, not ${version}`;
  const hint = "update the older one of the two ends";
  return new HoldfastError({ code: "unsupported_version", message, hint, kind: "fatal", fault: "peer" });
}
