import { expect, test } from "vitest";
import { answerChallenge, checkAnswer, secretKey } from "./auth.ts";

test.each([
  [
    "secret",
    "00000000-0000-4000-8000-000000000000",
    "1fe113028d00805df37e05d48fafdab80236708d2c66b2b239c9ccc9a801dcb1",
  ],
  [
    "",
    "00112233-4455-6677-8899-aabbccddeeff",
    "e069eead7e63f0937b8f477b5aafddfa6eb30e6eeb0e610afbdd52254a138444",
  ],
  [
    "pässwörd ☃",
    "ffffffff-ffff-4fff-bfff-ffffffffffff",
    "ec684846210574debae09fe74af9b3490dcf0ac49b6e6b93a5146cebc1f0ae15",
  ],
])("the answer of the real client for %j", (secret, challenge, tag) => {
  const key = secretKey(secret);
  expect(answerChallenge(key, challenge)).toBe(tag);
  expect(checkAnswer(key, challenge, tag)).toBe(true);
  expect(checkAnswer(key, challenge, tag.toUpperCase())).toBe(true);
});

test("keys of the reference", () => {
  expect(Buffer.from(secretKey("secret")).toString("hex")).toBe(
    "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
  );
  expect(Buffer.from(secretKey("")).toString("hex")).toBe(
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
});

test("any other answer is wrong, of whatever form", () => {
  const key = secretKey("secret");
  const challenge = "00000000-0000-4000-8000-000000000000";
  const tag = answerChallenge(key, challenge);
  const wrong = [
    "",
    tag.slice(1),
    `${tag}0`,
    `0${tag.slice(1)}`,
    "zz".repeat(32),
    tag.slice(0, 62),
    answerChallenge(secretKey("other"), challenge),
    answerChallenge(key, "00000000-0000-4000-8000-000000000001"),
  ];
  for (const answer of wrong) expect(checkAnswer(key, challenge, answer)).toBe(false);
});
