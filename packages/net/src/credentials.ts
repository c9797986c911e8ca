// What each dial presents, and when asking again is pointless. DESIGN rule 11.
import { HoldfastError } from "@holdfast/core";
import type { Signal } from "./host.ts";
import type { Credentials } from "./line.ts";

/** Asks the application's provider, and remembers what it gave last and what was refused. */
export class CredentialSource<C> {
  readonly #provider: Credentials<C> | undefined;
  #last: C | undefined = undefined;
  #rejected: C | undefined = undefined;

  constructor(provider: Credentials<C> | undefined) {
    this.#provider = provider;
  }

  /**
   * The credential for a dial. `refused` is the refusal that the last dial ended with, if it did.
   * @throws HoldfastError fatal if the provider has nothing better than what was refused, or says that it never
   * will (`retryable: false`); its own, if that has a `prompt`; transient if it failed otherwise.
   */
  async next(refused: HoldfastError | undefined, signal: Signal): Promise<C | undefined> {
    if (this.#provider === undefined) return undefined;
    if (typeof this.#provider !== "function") return this.#provider.static;
    const value = await this.#ask(this.#provider, refused, signal);
    if (refused !== undefined && Object.is(this.#rejected, value)) {
      throw settled(refused, "the credentials provider returned the same again");
    }
    // What comes after its dial was given up is presented to nobody, so nobody can have refused it.
    if (!signal.aborted) this.#last = value;
    return value;
  }

  /** A refusal is final where no other credential can come. */
  judge(failure: HoldfastError): HoldfastError {
    if (failure.kind !== "unauthorized" || failure.prompt !== undefined) return failure;
    this.#rejected = this.#last;
    return typeof this.#provider === "function" ? failure : settled(failure, undefined);
  }

  async #ask(
    provider: Extract<Credentials<C>, (...args: never[]) => unknown>,
    refused: HoldfastError | undefined,
    signal: Signal,
  ): Promise<C> {
    try {
      return await provider({ refused, signal });
    } catch (thrown) {
      const cause = HoldfastError.from(thrown);
      // Only a person can give what is missing: the line asks for it.
      if (cause.prompt !== undefined) throw cause;
      // A bug in a provider may mend itself; only an error that says so is final.
      const final = cause.kind === "fatal" && cause.code !== "programming_error";
      throw new HoldfastError({
        code: final ? "token_refresh_failed" : "credentials_unavailable",
        message: `the credentials provider failed: ${cause.text}`,
        kind: final ? "fatal" : "transient",
        fault: "local",
        retryAfterMs: cause.retryAfterMs,
        cause: thrown,
      });
    }
  }
}

function settled(refused: HoldfastError, why: string | undefined): HoldfastError {
  return new HoldfastError({
    code: refused.code,
    message: why === undefined ? refused.text : `${refused.text}; ${why}`,
    kind: "fatal",
    fault: refused.fault,
    hint: refused.hint,
    cause: refused,
  });
}
