// Who gives out credentials, and what can go wrong with that.
import type { Dice, Host, World } from "@holdfast/core/testing";
import type { Credentials } from "../../line.ts";
import { onAbort } from "./carrier.ts";
import type { Ledger } from "./ledger.ts";

export type TokenKind =
  | "none"
  | "static"
  | "fresh"
  | "cached"
  | "stubborn"
  | "flaky"
  | "slow"
  | "never"
  | "late";

/** Tokens are numbers; the peer says which is the oldest that it takes. */
export class TokenIssuer {
  newest = 1;
  /** Everything works at once from now on. */
  calm = false;
  readonly #world: World;
  readonly #host: Host;
  readonly #dice: Dice;
  readonly #kind: TokenKind;
  #cached: number;
  #calls = 0;

  constructor(world: World, host: Host, dice: Dice, kind: TokenKind) {
    this.#world = world;
    this.#host = host;
    this.#dice = dice;
    this.#kind = kind;
    this.#cached = this.newest;
  }

  credentials(ledger: Ledger): Credentials<number> | undefined {
    if (this.#kind === "none") return undefined;
    if (this.#kind === "static") return { static: 1 };
    return async ({ refused, signal }) => {
      const run = ledger.begun(signal, refused);
      if (refused !== ledger.mark)
        this.#world.fail(
          "R11",
          `the provider is told ${refused?.code ?? "nothing"}, not ${ledger.mark?.code ?? "nothing"}`,
        );
      onAbort(signal, () => ledger.dialAborted(run.id, signal.reason));
      const token = await this.#next(refused !== undefined).catch((thrown: unknown) => {
        run.unfetched = true;
        throw thrown;
      });
      if (run.state === "dialing" && refused !== undefined)
        ledger.sameTokenAgain = token === ledger.refusedToken;
      return token;
    };
  }

  async #next(refused: boolean): Promise<number> {
    switch (this.#kind) {
      case "stubborn":
        return 1;
      case "cached":
        if (refused) this.#cached = this.newest;
        return this.#cached;
      case "flaky":
        if (!this.calm && this.#dice.chance(0.3)) throw new Error("the token server is down");
        return this.newest;
      case "never":
        if (refused) throw Object.assign(new Error("the account is gone"), { retryable: false });
        return this.newest;
      case "late":
        return this.#late((this.#calls += 1));
      case "slow":
        await this.#sleep(this.calm ? 1 : this.#dice.magnitude(1, 30_000));
        return this.newest;
      default:
        return this.newest;
    }
  }

  /** The first answer comes when its dial has been given up, and after an older token was presented. */
  async #late(call: number): Promise<number> {
    if (call === 1) await this.#sleep(300);
    return call === 2 ? 1 : 2;
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#world.after(ms, () => this.#host.deliver(resolve));
    });
  }
}
