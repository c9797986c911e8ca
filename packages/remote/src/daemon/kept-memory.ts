// What the links of a connection learned, with a word to whoever keeps it on disk.
import { HoldfastError } from "@holdfast/core";

/** What a plugin may keep of one connection: so many entries, each so long, in characters. */
export const MEMORY_LIMITS = { entries: 64, characters: 65_536 } as const;

/** A map whose changes are told. `set` throws HoldfastError `too_large` (fatal) beyond `MEMORY_LIMITS`. */
export class KeptMemory extends Map<string, string> {
  readonly #onChange: () => void;

  constructor(entries: Readonly<Record<string, string>>, onChange: () => void) {
    super();
    for (const [name, value] of Object.entries(entries)) super.set(name, value);
    this.#onChange = onChange;
  }

  override set(name: string, value: string): this {
    const { entries, characters } = MEMORY_LIMITS;
    const full = this.size >= entries && !this.has(name);
    if (full || name.length + value.length > characters) throw tooLarge(name);
    const news = this.get(name) !== value;
    super.set(name, value);
    if (news) this.#onChange();
    return this;
  }

  override delete(name: string): boolean {
    const was = super.delete(name);
    if (was) this.#onChange();
    return was;
  }

  override clear(): void {
    const news = this.size > 0;
    super.clear();
    if (news) this.#onChange();
  }
}

function tooLarge(name: string): HoldfastError {
  const message = `a connection cannot remember ${name}: it is too long, or there is too much already`;
  return new HoldfastError({ code: "too_large", message, kind: "fatal", fault: "local" });
}
