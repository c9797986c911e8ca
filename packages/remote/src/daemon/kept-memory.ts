// What the links of a connection learned, with a word to whoever keeps it on disk.

/** A map whose changes are told. What plugins keep in it is small: a few entries each. */
export class KeptMemory extends Map<string, string> {
  readonly #onChange: () => void;

  constructor(entries: Readonly<Record<string, string>>, onChange: () => void) {
    super();
    for (const [name, value] of Object.entries(entries)) super.set(name, value);
    this.#onChange = onChange;
  }

  override set(name: string, value: string): this {
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
