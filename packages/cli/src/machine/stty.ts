// What Node cannot say to a terminal: that it shall show bytes as they come. Node's raw mode still turns each line feed
// into a carriage return and a line feed, and a full-screen program that moves down by one loses its column.
import { spawnSync } from "node:child_process";

/** On the terminal at stdin. Without `stty` nothing happens, and only such programs look odd. */
export function showAsItComes(): void {
  spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"], timeout: 2_000 });
}
