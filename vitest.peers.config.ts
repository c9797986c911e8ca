// The tests against unmodified real peers: `npm run test:peers [-- NAME]`. Apart from `npm test`, because the peers
// have to be built first (`node test/peers/install.mjs`).
import { defineConfig } from "vitest/config";

const conditions = ["@holdfast/source", "node", "import", "module", "default"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["test/peers/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    testTimeout: 60_000,
    hookTimeout: 20 * 60_000,
    maxWorkers: 2,
  },
});
