// Listeners that others gave us: what they throw harms nobody.

/** The same listener, except that it cannot throw; nothing, if there is none. */
export function harmless<E>(listener: ((event: E) => void) | undefined): (event: E) => void {
  return (event) => {
    try {
      listener?.(event);
    } catch {
      // The event is told; what its listener made of it is not ours to judge.
    }
  };
}
