// One configuration for every test in the repository. Siblings are read from source, so no build is needed.
import { defineConfig } from "vitest/config";

const conditions = ["@holdfast/source", "node", "import", "module", "default"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: [
      "packages/*/{src,test}/**/*.test.ts",
      "test/**/*.test.ts",
      "acceptance/**/*.test.ts",
      "bench/**/*.test.ts",
      "examples/**/*.test.ts",
    ],
    exclude: ["**/node_modules/**", "**/dist/**", "test/peers/**", "test/browser/**"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Most of what takes long waits for processes, so that two cores have room for three files.
    maxWorkers: 3,
  },
});
