// What `holdfast api` asks: the messages of distant, whose editors answer them already.
import { z } from "zod";

const options = z.record(z.string(), z.string());

const authInitialization = z
  .strictObject({ type: z.literal("auth_initialization"), methods: z.array(z.string()) })
  .meta({
    id: "auth_initialization",
    title: "answer: `auth_initialization_response` with those of `methods` that you can",
  });

const authStartMethod = z
  .strictObject({ type: z.literal("auth_start_method"), method: z.string() })
  .meta({ id: "auth_start_method" });

const authChallenge = z
  .strictObject({
    type: z.literal("auth_challenge"),
    questions: z.array(
      z.strictObject({
        label: z.string(),
        text: z.string(),
        options: options.describe("`echo`: whether the answer may be seen, `true` or `false`"),
        extra: options.describe("the same, as older editors look for it"),
      }),
    ),
    options: options.describe("`instructions`: what it is about"),
    extra: options.describe("the same"),
  })
  .meta({
    id: "auth_challenge",
    title: "answer: `auth_challenge_response` with `answers`, one for each question",
  });

const authVerification = z
  .strictObject({
    type: z.literal("auth_verification"),
    kind: z.enum(["host", "unknown"]),
    text: z.string(),
  })
  .meta({ id: "auth_verification", title: "answer: `auth_verification_response` with `valid`" });

const authInfo = z.strictObject({ type: z.literal("auth_info"), text: z.string() }).meta({ id: "auth_info" });

const authError = z
  .strictObject({
    type: z.literal("auth_error"),
    kind: z.enum(["fatal", "error"]),
    text: z.string(),
  })
  .meta({ id: "auth_error" });

const authFinished = z
  .strictObject({ type: z.literal("auth_finished") })
  .meta({ id: "auth_finished", title: "nothing more is asked: requests are welcome" });

export const authenticationLines = [
  authInitialization,
  authStartMethod,
  authChallenge,
  authVerification,
  authInfo,
  authError,
  authFinished,
] as const;
