// Loaded into a command with `--import`: SIGUSR2 lets its wall clock jump an hour ahead, as waking from suspend
// does. The monotonic clock goes on as it was, which is what Linux does in sleep. Time namespaces of the kernel move
// the monotonic clock only, and setting the real one would move every process of the machine.
const JUMP_MS = 3_600_000;

const realNow = Date.now.bind(Date);
let aheadMs = 0;

Date.now = () => realNow() + aheadMs;
process.on("SIGUSR2", () => (aheadMs += JUMP_MS));

export {};
