// Between two events of the world, every promise that can settle does.

/** No chain of promises in the driver is longer. */
const HOPS = 24;

export async function drain(): Promise<void> {
  for (let hop = 0; hop < HOPS; hop++) await Promise.resolve();
}
