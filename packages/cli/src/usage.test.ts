import { expect, test } from "vitest";
import { didYouMean } from "./usage.ts";

test("near misses are guessed, others are not", () => {
  const words = ["expose", "events", "status", "list"];
  const guesses = ["expsoe", "expos", "event", "sttaus", "lst", "ls", "demonstrate", "x"].map((word) =>
    didYouMean(word, words),
  );
  expect(guesses).toEqual([
    "did you mean expose?",
    "did you mean expose?",
    "did you mean events?",
    "did you mean status?",
    "did you mean list?",
    undefined,
    undefined,
    undefined,
  ]);
});
